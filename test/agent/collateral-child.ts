/**
 * INSECURE: an agent on a simulated processor that hands out reports alone, with a folder of collateral. Arguments: that folder,
 * and a file to write what a vendor would have of the processor to. Says `listening on URL`, and serves until SIGTERM.
 */
import { writeFileSync } from 'node:fs';
import { clock, consoleLogger, now, withOwnCollateral } from '#agent/cli.ts';
import { openCollateralFolder } from '#agent/collateral-folder.ts';
import { serve, stopSignal } from '#agent/listen.ts';
import { createAmdHierarchy } from '#test/fake/amd.ts';
import { createInsecureAgent } from '#test/fake/insecure-agent.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';

const [folder = '', vendor = ''] = process.argv.slice(2);

async function runAgent(): Promise<void> {
  const hierarchy = await createAmdHierarchy({ product: 'Milan', now: now() });
  const { vcek, ask, ark, crl } = hierarchy;
  const device = createSnpDevice(hierarchy);
  const source = withOwnCollateral(
    {
      platform: 'sev-snp',
      name: 'INSECURE simulated AMD processor',
      report: async (reportData) => ({ evidence: device.report(reportData), collateral: [] }),
    },
    [],
    consoleLogger,
    openCollateralFolder({ folder, logger: consoleLogger, clock }),
  );
  const { app } = await createInsecureAgent({ hierarchy, source });
  const server = await serve(app, { host: '127.0.0.1', port: 0 });
  const ders = { vek: vcek.der, ask: ask.der, ark: ark.der, 'ark-crl': crl.der };
  const hex = Object.entries(ders).map(([kind, der]) => [kind, Buffer.from(der).toString('hex')]);
  writeFileSync(vendor, JSON.stringify(Object.fromEntries(hex)));
  process.stdout.write(`listening on ${server.url}\n`);
  await stopSignal();
  await server.close();
}

await runAgent();
