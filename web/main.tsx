import { render } from 'preact';
import { App } from './app.tsx';
import { followAddress } from './model/view.ts';
import './style/base.css';

// Where nothing takes a file that is dropped, the browser would leave the page for it.
for (const kind of ['dragover', 'drop'] as const) {
  addEventListener(kind, (event) => event.preventDefault());
}
followAddress();
render(<App />, document.getElementById('app') as HTMLElement);
