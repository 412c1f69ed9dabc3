/** The page around the views. A view that is not shown is not there: what it holds is in the model. */
import type { ComponentType, JSX } from 'preact';
import { lazy, Suspense } from 'preact/compat';
import { EvidenceView } from './evidence-view.tsx';
import { judged } from './model/session.ts';
import { show, type View, view, views } from './model/view.ts';
import { ThemeSwitch } from './parts/theme.tsx';
import { shellStrings } from './strings/shell.ts';

/** Most readers look at evidence and nothing else: the other views come when they are asked for, Barretenberg with the last. */
const PolicyView = later(() => import('./policy/policy-view.tsx').then((m) => m.PolicyView));
const Compare = later(() => import('./compare/compare.tsx').then((m) => m.Compare));
const ProofsView = later(() => import('./proofs/proofs-view.tsx').then((m) => m.ProofsView));

function later(load: () => Promise<ComponentType>): () => JSX.Element {
  const Loaded = lazy(load);
  return () => (
    <Suspense fallback={<p class="quiet">{shellStrings.loading}</p>}>
      <Loaded />
    </Suspense>
  );
}

const shown: Record<View, () => JSX.Element> = {
  evidence: () => <EvidenceView />,
  policy: () => <PolicyView />,
  proofs: () => <ProofsView />,
  compare: () => <Compare />,
};

export function App() {
  const insecure = judged.value !== null && judged.value.given.insecureRoot !== null;
  return (
    <>
      <a class="skip-link" href="#main">
        {shellStrings.skip}
      </a>
      <header class="top">
        <div class="brand">
          <h1>{shellStrings.name}</h1>
          <span class="tagline">{shellStrings.tagline}</span>
        </div>
        <nav aria-label={shellStrings.viewsLabel}>
          {views.map((one) => (
            <a
              key={one}
              href={`#${one}`}
              aria-current={view.value === one ? 'page' : undefined}
              onClick={(event) => {
                event.preventDefault();
                show(one);
              }}
            >
              {shellStrings.views[one]}
            </a>
          ))}
        </nav>
        <ThemeSwitch />
      </header>
      {insecure && (
        <p class="insecure" role="alert">
          {shellStrings.insecure}
        </p>
      )}
      <main id="main" tabIndex={-1}>
        {shown[view.value]()}
      </main>
    </>
  );
}
