import { render } from 'preact';
import { LiveApp } from './live/live-app.tsx';
import { startLive } from './live/poll.ts';
import './style/base.css';
import './live/live.css';
import './live/lists.css';

startLive();
render(<LiveApp />, document.getElementById('app') as HTMLElement);
