/**
 * `npm run bench`: the figures that the project promises, each as a median, ratios taken within one run. It judges
 * nothing by itself: the promise stands beside the figure.
 */
import { hasShared } from '#test/shared.ts';
import { benchAgent } from './bench-agent.ts';
import { benchClosure } from './bench-closure.ts';
import { benchProofs } from './bench-proof.ts';
import { benchQuotes } from './bench-quote.ts';
import { benchServe } from './bench-serve.ts';
import { benchServices } from './bench-services.ts';
import {
  benchColdStart,
  benchFleet,
  benchRevocation,
  benchTree,
  benchVerify,
} from './bench-verify.ts';
import { benchWeb } from './bench-web.ts';

console.log(`Node ${process.version} on ${process.platform}-${process.arch}\n`);
if (hasShared) {
  await benchVerify();
  await benchRevocation();
  await benchQuotes();
  await benchColdStart();
} else
  console.log(
    'No evidence corpus beside this checkout: the figures for real reports are left out.',
  );
benchTree();
await benchFleet();
await benchServe();
await benchServices();
await benchAgent();
await benchClosure();
await benchWeb();
await benchProofs();
