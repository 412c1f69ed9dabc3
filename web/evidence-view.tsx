/** The evidence view, top to bottom: what is given, the verdict, the road, and what each piece says. */
import { Closure } from './closure/closure.tsx';
import { Events } from './events/events.tsx';
import { Fields } from './fields/fields.tsx';
import { Input } from './input/input.tsx';
import { Share } from './input/share.tsx';
import { judged, outcome } from './model/session.ts';
import { Checks } from './road/checks.tsx';
import { Road } from './road/road.tsx';
import { VerdictBanner } from './road/verdict-banner.tsx';
import { verdictStrings } from './strings/road.ts';
import { shellStrings } from './strings/shell.ts';
import { Tree } from './tree/tree.tsx';

export function EvidenceView() {
  const found = judged.value;
  const now = outcome.value;
  return (
    <>
      <Input />
      <p aria-live="polite" class="visually-hidden">
        {now.state === 'working' && shellStrings.working}
        {found !== null && verdictStrings.word[found.verdict.decision]}
        {found !== null && found.given.insecureRoot !== null && `, ${verdictStrings.insecure}`}
      </p>
      {now.state === 'working' && <p class="quiet">{shellStrings.working}</p>}
      {now.state === 'refused' && (
        <section class="panel refusal" role="alert">
          <h2>{shellStrings.refused}</h2>
          <p>{now.problem.message}</p>
          {now.problem.remedy !== null && <p>{now.problem.remedy}</p>}
        </section>
      )}
      {found !== null && (
        <>
          <VerdictBanner judged={found} />
          <Road judged={found} />
          <Checks judged={found} />
          <Fields judged={found} />
          <Events judged={found} />
          <Closure judged={found} />
          <Tree judged={found} />
          <Share judged={found} />
        </>
      )}
    </>
  );
}
