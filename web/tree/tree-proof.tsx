/** One tree proof: what it proves, the picture of its road, and the same road as a list. */
import { toHex } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { formatTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { harmless } from '#verifier/words/lines.ts';
import { type Manifest, pathWithHash } from '../closure/model.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { treeStrings as words } from '../strings/tree.ts';
import { type Fault, type Road, type Standing, standingOf } from './model.ts';
import { TreePicture } from './tree-picture.tsx';
import { TreeSteps } from './tree-steps.tsx';

type TreeProofProps = {
  road: Road;
  verified: Verified;
  /** The bundle's own, where it came. */
  manifest: Manifest | null;
  id: string;
};

export function TreeProof({ road, verified, manifest, id }: TreeProofProps) {
  const standing = standingOf(road, verified);
  const { mark, tone } = words.standing[standing.kind];
  const { bundle } = verified;
  return (
    <>
      <h3>{words.claim(road.name, road.present)}</h3>
      <p class={`tree-standing tree-standing-${tone}`}>
        <span aria-hidden="true">{mark} </span>
        {standingWords(standing, road)}
      </p>
      {road.service !== null && <Service service={road.service} manifest={manifest} />}
      <div class="tree-columns">
        <TreePicture road={road} tone={tone} id={id} />
        <TreeSteps
          road={road}
          bound={bundle === null ? null : toHex(fieldToBytes(bundle.bound.treeRoot))}
        />
      </div>
    </>
  );
}

function standingWords(standing: Standing, { present, fault }: Road): string {
  switch (standing.kind) {
    case 'false':
      return `${words.standingWords.false} ${fault === null ? '' : faultWords(fault)}`;
    case 'bound':
      return words.standingWords.bound(present);
    case 'earlier': {
      const { time, reason } = standing.tree;
      return words.standingWords.earlier(formatTime(time), harmless(reason));
    }
    default:
      return words.standingWords[standing.kind];
  }
}

function faultWords(fault: Fault): string {
  switch (fault.kind) {
    case 'other-elsewhere':
      return words.faults[fault.kind](fault.bit);
    case 'unfit':
      return words.faults.unfit(harmless(fault.message));
    default:
      return words.faults[fault.kind];
  }
}

type ServiceProps = { service: NonNullable<Road['service']>; manifest: Manifest | null };

function Service({ service: { publicKey, narHash }, manifest }: ServiceProps) {
  const path = manifest === null ? null : pathWithHash(manifest, narHash);
  return (
    <dl class="tree-service">
      <div>
        <dt>{words.service.publicKey}</dt>
        <dd>
          <code>{publicKey}</code> <CopyButton what={words.service.publicKey} text={publicKey} />
        </dd>
      </div>
      <div>
        <dt>{words.service.narHash}</dt>
        <dd>
          <code>{narHash}</code> <CopyButton what={words.service.narHash} text={narHash} />
          {path !== null && (
            <p>
              {words.service.inClosure} <code>{path}</code>
            </p>
          )}
          {manifest !== null && path === null && <p>{words.service.notInClosure}</p>}
        </dd>
      </div>
    </dl>
  );
}
