/** Roots and keys that nobody vouches for: apart, plainly dangerous, and never on by themselves. */
import { harmless } from '#verifier/words/lines.ts';
import { fileKindOf } from '../model/file-kinds.ts';
import { type Given, give, given } from '../model/session.ts';
import { inputStrings as words } from '../strings/input.ts';
import { notices } from './actions.ts';
import { readFiles } from './read-files.ts';

export function TrustRoot() {
  const now = given.value;
  const root = now?.insecureRoot ?? null;
  if (root !== null) {
    return (
      <div class="input-danger input-danger-on">
        <p>
          <strong>{words.rootSet(harmless(root.name))}</strong>
        </p>
        <button type="button" class="no-print" onClick={() => give({ insecureRoot: null })}>
          {words.rootDrop}
        </button>
        <TrustKey given={now} />
      </div>
    );
  }
  return (
    <div class="input-danger no-print">
      <TrustKey given={now} />
      <details>
        <summary>{words.rootTitle}</summary>
        <p>{words.rootText}</p>
        <label class="input-field">
          <span class="input-label">{words.rootChoose}</span>
          <input
            type="file"
            data-test="insecure-root"
            onChange={async ({ currentTarget }) => {
              const { files, problems } = await readFiles([...(currentTarget.files ?? [])]);
              currentTarget.value = '';
              const [file] = files;
              notices.value = problems;
              if (file !== undefined) await give({ insecureRoot: file });
            }}
          />
        </label>
      </details>
    </div>
  );
}

const quoteKinds: ReadonlySet<string> = new Set(['tpm-message', 'tpm-evidence', 'go-tpm']);

/** Only where a key was dropped beside a TPM's quote. */
function TrustKey({ given: now }: { given: Given | null }) {
  const kinds = (now?.files ?? []).map(({ bytes }) => fileKindOf(bytes).kind);
  if (!kinds.includes('public-key') || !kinds.some((kind) => quoteKinds.has(kind))) return null;
  const isOn = now?.trustKeys === true;
  return (
    <div class={isOn ? 'input-danger-on' : ''}>
      <h3>{words.keyTitle}</h3>
      <p>{isOn ? words.keyTrusted : words.keyText}</p>
      <button type="button" class="no-print" onClick={() => give({ trustKeys: !isOn })}>
        {isOn ? words.keyDistrust : words.keyTrust}
      </button>
    </div>
  );
}
