/** Serves files from memory on this machine alone, isolated as a page must be whose workers share memory. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import type { PageFiles } from './page-bundle.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

export type PageServer = {
  /** Of an empty page that loads `page.js`. */
  readonly address: string;
  close(): Promise<void>;
};

/** @param isolated without it a page has one thread */
export async function servePage(files: PageFiles, isolated = true): Promise<PageServer> {
  const page =
    '<!doctype html><title>affidavit</title><script type="module" src="page.js"></script>';
  const all = new Map(files).set('index.html', Buffer.from(page));
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1);
    const found = all.get(name);
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': types[extname(name)] ?? 'application/octet-stream',
      ...(isolated && {
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
      }),
    });
    response.end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/index.html`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
