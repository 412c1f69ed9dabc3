/** `node test/tools/web-numbers.ts`: the page's figures alone, as `npm run bench` prints them. */
import { benchWeb } from './bench-web.ts';

await benchWeb();
