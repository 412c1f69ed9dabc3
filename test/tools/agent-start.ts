/**
 * INSECURE: the agent as `affidavit agent run` puts it together, on a device that answers with one report, unsigned. It holds no
 * more of the simulator than that, so that the time to its first answer is the agent's own.
 * `agent-start.ts CONFIG REPORT` prints its URL.
 */
import { readFileSync } from 'node:fs';
import { createApp } from '#agent/app.ts';
import { deviceLimits, loadConfig, now, random } from '#agent/cli.ts';
import { gzip } from '#agent/closure/gzip.ts';
import type { Logger } from '#agent/errors.ts';
import { serve, stopSignal } from '#agent/listen.ts';
import { createMetrics } from '#agent/metrics.ts';
import { type EvidenceSource, oneAtATime } from '#agent/source.ts';

const reportDataAt = 0x50;

const device = (template: Uint8Array): EvidenceSource => ({
  platform: 'sev-snp',
  name: 'one report',
  async report(reportData) {
    const evidence = template.slice();
    evidence.set(reportData, reportDataAt);
    return { evidence, collateral: [] };
  },
});

const logger: Logger = { info() {}, warn: console.error, error: console.error };

const [config = '', report = ''] = process.argv.slice(2);
const loaded = await loadConfig(config);
const source = oneAtATime(device(new Uint8Array(readFileSync(report))), deviceLimits);
const app = createApp({
  state: () => loaded.state,
  source: () => source,
  channelOf: () => null,
  now,
  random,
  logger,
  metrics: createMetrics(),
  gzip,
});
const server = await serve(app, loaded.config.listen);
console.log(server.url);
await stopSignal();
await server.close();
