/** Alice: what is shown, whom it is for, what it takes, and the proof. */
import { useEffect, useState } from 'preact/hooks';
import { pointLength } from '#prover/ceremony.ts';
import type { CircuitName } from '#prover/circuit-names.ts';
import { provingCosts } from '#prover/costs.ts';
import { harmless } from '#verifier/words/lines.ts';
import { Panel } from '../parts/panel.tsx';
import { proofStrings } from '../strings/proofs.ts';
import { proveAsking, showForm, showKey } from './choices.ts';
import { AskedByFields, Toggle } from './fields.tsx';
import { fileOf } from './kept.ts';
import type { Proved } from './messages.ts';
import { Needs } from './needs.tsx';
import { type Precheck, precheck } from './precheck.ts';
import { thisCopy } from './release.ts';
import { saveText } from './save.ts';
import { ShowParts } from './show-parts.tsx';
import { slowness } from './slowness.ts';
import { bundleThere, cancel, files, keepProved, points, proveWork, runProve } from './state.ts';
import { WorkProgress } from './work-progress.tsx';

const words = proofStrings.prove;

export function ProveForm() {
  const asking = proveAsking.value;
  const found = usePrecheck();
  const work = proveWork.value;
  const circuit = found?.ready === true ? found.circuit : null;
  const canStart = circuit !== null && thisCopy.artifacts.includes(circuit);
  return (
    <>
      <Panel id="prove-what" title={words.title}>
        <What />
      </Panel>
      <Panel id="prove-for" title={proofStrings.fields.prove.title}>
        <AskedByFields side="prove" />
      </Panel>
      <div aria-live="polite">
        {found?.ready === false && (
          <section class="panel refusal" data-test="prove-refused">
            <h2>{words.refused}</h2>
            <p>{harmless(found.problem.message)}</p>
            {found.problem.remedy !== null && <p>{harmless(found.problem.remedy)}</p>}
          </section>
        )}
        {circuit !== null && <Cost circuit={circuit} />}
      </div>
      <div class="proofs-run no-print">
        <button
          type="button"
          class="primary"
          data-test="prove"
          disabled={!('job' in asking) || !canStart || work.state === 'running'}
          onClick={() => 'job' in asking && runProve(asking.job)}
        >
          {words.button}
        </button>
        {'missing' in asking && <Needs missing={asking.missing} />}
      </div>
      <WorkProgress side="prove" work={work} onCancel={() => cancel('prove')} />
      {work.state === 'done' && <Made proved={work.answer} />}
    </>
  );
}

/** Null while something is missing. What was asked before does not answer what is asked now. */
function usePrecheck(): Precheck | null {
  const asking = proveAsking.value;
  const [found, setFound] = useState<{ asking: typeof asking; answer: Precheck } | null>(null);
  useEffect(() => {
    if (!('job' in asking)) return;
    let isWanted = true;
    precheck(asking.job, thisCopy.pins).then((answer) => {
      if (isWanted) setFound({ asking, answer });
    });
    return () => {
      isWanted = false;
    };
  }, [asking]);
  return found?.asking === asking ? found.answer : null;
}

function What() {
  const isLinked = fileOf(files.value, 'secret') !== null;
  const hasBundle = fileOf(files.value, 'bundle') !== null || bundleThere.value !== null;
  if (!isLinked && !hasBundle) return <p class="quiet">{words.neither}</p>;
  if (!isLinked) {
    return (
      <>
        <p>{words.open}</p>
        <Toggle
          label={words.showKey}
          checked={showKey.value}
          onChange={(checked) => {
            showKey.value = checked;
          }}
        />
      </>
    );
  }
  const choose = (parts: boolean) => () => {
    showForm.value = { ...showForm.value, parts };
  };
  return (
    <>
      <p>{words.linked}</p>
      <fieldset class="proofs-choice">
        <legend>{words.showLabel}</legend>
        {([false, true] as const).map((parts) => (
          <label key={String(parts)} class="proofs-toggle">
            <input
              type="radio"
              name="proof-shows"
              checked={showForm.value.parts === parts}
              onChange={choose(parts)}
            />
            <span>{parts ? words.parts : words.whole}</span>
          </label>
        ))}
      </fieldset>
      {showForm.value.parts && <ShowParts />}
    </>
  );
}

function Cost({ circuit }: { circuit: CircuitName }) {
  const { seconds, megabytes } = provingCosts[circuit].wasm;
  const { points: count } = thisCopy.pins[circuit];
  const held = points.value && Math.floor(points.value.blob.size / pointLength);
  if (!thisCopy.artifacts.includes(circuit)) {
    return <p class="proofs-fault">{words.noCircuit(circuit)}</p>;
  }
  return (
    <div class="panel" data-test="cost">
      <p>
        {words.ready(circuit)} {words.cost(seconds * slowness(), megabytes)}{' '}
        {thisCopy.keys[circuit] === undefined && words.noKey}
      </p>
      <p>
        {words.pointsNeeded(count, (count * pointLength) / 2 ** 20)}{' '}
        {held === null ? words.pointsAsked : words.pointsGiven(held)}{' '}
        {held !== null && held < count && <span class="proofs-fault">{words.pointsFew}</span>}
      </p>
      <p class="quiet">{words.pointsHow}</p>
    </div>
  );
}

function Made({ proved }: { proved: Proved }) {
  const { file, response, seconds } = proved;
  return (
    <section class="panel proofs-verdict proofs-verdict-accepted" role="status" data-test="proved">
      <h2>{words.done(seconds)}</h2>
      <p>{handOver(proved)}</p>
      <p class="proofs-buttons">
        <button
          type="button"
          class="primary"
          data-test="download"
          onClick={() => saveText(words.fileName, file)}
        >
          {words.download}
        </button>
        {response !== null && (
          <button type="button" onClick={() => saveText(words.responseName, response)}>
            {words.downloadResponse}
          </button>
        )}
        <button type="button" data-test="check-it" onClick={() => keepProved(proved)}>
          {words.checkIt}
        </button>
      </p>
    </section>
  );
}

function handOver({ circuit }: Proved): string {
  if (circuit === 'response-open') return words.handOver.open;
  if (circuit === 'response-open-key') return words.handOver.openKey;
  return circuit === 'response' ? words.handOver.whole : words.handOver.parts;
}
