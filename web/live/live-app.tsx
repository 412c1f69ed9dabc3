/** The live page: how the service does, what it decided and why, whom it watches. */
import { ThemeSwitch } from '../parts/theme.tsx';
import { liveStrings } from '../strings/live.ts';
import { Agents } from './agents.tsx';
import { Chart } from './chart.tsx';
import { DecisionLog } from './decision-log.tsx';
import { activity, link, listed } from './poll.ts';
import { Refusals } from './refusals.tsx';
import { ServiceState } from './service-state.tsx';

export function LiveApp() {
  const started = activity.value !== null && listed.value !== null;
  return (
    <>
      <a class="skip-link" href="#main">
        {liveStrings.skip}
      </a>
      <header class="top">
        <div class="brand">
          <h1>{liveStrings.name}</h1>
          <p class="tagline">{liveStrings.tagline}</p>
        </div>
        <nav>
          <a href="./index.html">{liveStrings.evidencePage}</a>
        </nav>
        <ThemeSwitch />
      </header>
      {started && activity.value?.insecure === true && (
        <p class="insecure" role="alert">
          {liveStrings.insecure}
        </p>
      )}
      {/* Another one, not the same further down: nothing has moved. */}
      <main key={started ? 'all' : 'none'} id="main" tabIndex={-1}>
        <Content started={started} />
      </main>
    </>
  );
}

/** All at once, when there is something in all of it: what came piece by piece would push the rest about. */
function Content({ started }: { started: boolean }) {
  if (!started && link.value.state === 'starting')
    return <p class="quiet">{liveStrings.state.starting}</p>;
  return (
    <>
      <ServiceState />
      {started && (
        <>
          <div class="live-pair">
            <Chart />
            <Refusals />
          </div>
          <Agents />
          <DecisionLog />
        </>
      )}
    </>
  );
}
