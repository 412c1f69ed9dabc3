/** What a piece of evidence and all that came with it say, field by field. */
import { collateralKinds } from '#verifier/abi/bundle.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Collateral } from '#verifier/evidence.ts';
import { describe } from '#verifier/show/describe.ts';
import type { ShowSection } from '#verifier/show/document.ts';
import { reportSection } from '#verifier/show/snp.ts';
import type { Sorted } from '../model/sort-files.ts';
import { compareStrings } from '../strings/compare.ts';

/** The evidence's own sections first, then one or more for each object beside it. What cannot be read says why. */
export function sectionsOf(
  sorted: Pick<Sorted, 'evidence' | 'collateral' | 'files'>,
): ShowSection[] {
  const { evidence, collateral, files } = sorted;
  const own = (): ShowSection[] => {
    switch (evidence.form) {
      case 'report':
        return [reportSection(evidence.bytes, collateral, 'the report')];
      case 'quote':
      case 'bundle':
      case 'nitro':
      case 'hcl':
        return describe(evidence.bytes).sections.map(named);
      case 'tpm-quote':
      case 'gpu':
        return files.filter(({ used }) => used).flatMap(({ bytes }) => sectionsOfFile(bytes));
    }
  };
  return [...readable(own, compareStrings.evidence), ...collateral.flatMap(besideSections)];
}

/** Collateral in a bundle is called as that beside it: where it stands there and when it was fetched is no difference. */
function named(section: ShowSection): ShowSection {
  const [, found] = /^collateral\[\d+\] ([\w-]+)/.exec(section.title) ?? [];
  const kind = collateralKinds.find((one) => one === found);
  return kind === undefined ? section : { ...section, title: compareStrings.kinds[kind] };
}

function sectionsOfFile(bytes: Bytes): ShowSection[] {
  return readable(() => describe(bytes).sections, compareStrings.evidence);
}

function besideSections({ kind, data }: Collateral): ShowSection[] {
  const title = compareStrings.kinds[kind];
  return readable(() => {
    const { sections } = describe(data);
    return sections.length === 1
      ? sections.map((section) => ({ ...section, title }))
      : sections.map((section) => ({ ...section, title: `${title}: ${section.title}` }));
  }, title);
}

function readable(read: () => ShowSection[], title: string): ShowSection[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    const field = { name: compareStrings.unreadable, value: error.message };
    return [{ title, offsetsFrom: null, fields: [field] }];
  }
}
