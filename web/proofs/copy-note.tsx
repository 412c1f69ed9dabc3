/** What this copy of the page has and lacks, how many threads it proves with, and what its keys are worth. */
import { circuitNames } from '#prover/circuit-names.ts';
import { Panel } from '../parts/panel.tsx';
import { proofStrings } from '../strings/proofs.ts';
import { thisCopy } from './release.ts';

const words = proofStrings.threads;
/** Barretenberg takes no more. */
const mostThreads = 32;

export function CopyNote() {
  const circuits = circuitNames.filter((name) => !thisCopy.artifacts.includes(name));
  const keys = circuitNames.filter((name) => thisCopy.keys[name] === undefined);
  return (
    <Panel id="proof-copy" title={words.title}>
      <div data-test="threads">
        {crossOriginIsolated ? (
          <p>{words.many(Math.min(navigator.hardwareConcurrency, mostThreads))}</p>
        ) : (
          <>
            <p>{words.one}</p>
            <p>{words.headers}</p>
            <ul class="proofs-headers">
              {words.headerLines.map((line) => (
                <li key={line}>
                  <code>{line}</code>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
      {circuits.length > 0 && <p>{words.noCircuits(circuits)}</p>}
      {keys.length > 0 && <p>{words.noKeys(keys)}</p>}
      {circuits.length + keys.length === 0 && <p>{words.complete}</p>}
      <p class="quiet">{words.trust}</p>
    </Panel>
  );
}
