/** Bob: what he was given, whom it is for, which sets count, and the verdict. */
import { harmless } from '#verifier/words/lines.ts';
import { Panel } from '../parts/panel.tsx';
import { PickFile } from '../parts/pick-file.tsx';
import { proofStrings as words } from '../strings/proofs.ts';
import { checkAsking } from './choices.ts';
import { AskedByFields } from './fields.tsx';
import { fileOf } from './kept.ts';
import { MadeDemands } from './made-demands.tsx';
import { Needs } from './needs.tsx';
import { ProofVerdict } from './proof-verdict.tsx';
import { SetsThatCount } from './sets-that-count.tsx';
import { atText, cancel, changed, checkWork, files, insecureRoot, runCheck } from './state.ts';
import { WorkProgress } from './work-progress.tsx';

export function CheckForm() {
  const asking = checkAsking.value;
  const isLinked = fileOf(files.value, 'linked-proof') !== null;
  const hasSets = files.value.some(({ role }) => role === 'set');
  const hasDemands = fileOf(files.value, 'demands') !== null;
  const work = checkWork.value;
  const isRunning = work.state === 'running';
  return (
    <>
      <Panel id="check-for" title={words.fields.check.title}>
        <AskedByFields side="check" />
        <Settings />
      </Panel>
      {(isLinked || hasDemands || hasSets) && (
        <>
          {!hasDemands && <MadeDemands />}
          <SetsThatCount />
        </>
      )}
      <div class="proofs-run no-print">
        <button
          type="button"
          class="primary"
          data-test="check"
          disabled={!('job' in asking) || isRunning}
          onClick={() => 'job' in asking && runCheck(asking.job)}
        >
          {work.state === 'done' ? words.check.again : words.check.button}
        </button>
        {'missing' in asking && <Needs missing={asking.missing} />}
      </div>
      <WorkProgress side="check" work={work} onCancel={() => cancel('check')} />
      {work.state === 'done' && <ProofVerdict checked={work.answer} />}
    </>
  );
}

function Settings() {
  const root = insecureRoot.value;
  return (
    <>
      <details class="proofs-more">
        <summary>{words.check.more}</summary>
        <label class="proofs-field">
          <span>{words.check.at}</span>
          <input
            type="text"
            data-test="proof-at"
            autocomplete="off"
            value={atText.value}
            onInput={({ currentTarget }) => {
              atText.value = currentTarget.value.trim();
              changed();
            }}
          />
        </label>
        <div data-test="proof-root">
          <PickFile
            label={words.check.root}
            mebibytes={1}
            onFile={(file) => {
              insecureRoot.value = file;
              changed();
            }}
          />
        </div>
        {root !== null && (
          <p>
            {words.check.rootUsed(harmless(root.name))}{' '}
            <button
              type="button"
              onClick={() => {
                insecureRoot.value = null;
                changed();
              }}
            >
              {words.files.removeShort}
            </button>
          </p>
        )}
      </details>
      {root !== null && (
        <p class="proofs-insecure" role="alert">
          {words.check.insecure}
        </p>
      )}
    </>
  );
}
