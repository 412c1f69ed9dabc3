import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { toHex } from '#verifier/bytes.ts';
import { hasNix, nixMissing, nixNarHash } from './nix.ts';

test.skipIf(!hasNix)(
  `a file of 3 GB has Nix’s hash, with little memory${hasNix ? '' : ` (skipped: ${nixMissing})`}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'affidavit-nar-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'file');
    writeFileSync(path, 'not only zeros');
    truncateSync(path, 3_000_000_000);
    const script = `
      import { hashNar } from '#agent/nar.ts';
      const { narHash, narSize } = hashNar(process.argv[1]);
      const peak = process.resourceUsage().maxRSS / 1024;
      console.log(JSON.stringify({ narHash: Buffer.from(narHash).toString('hex'), narSize, peak }));`;
    const root = new URL('../../..', import.meta.url);
    const args = ['--input-type=module', '--eval', script, path];
    const { narHash, narSize, peak } = JSON.parse(
      execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }),
    );
    expect(narSize).toBe(3_000_000_112);
    expect(peak).toBeLessThan(200);
    expect(narHash).toBe(toHex(nixNarHash(path)));
  },
);
