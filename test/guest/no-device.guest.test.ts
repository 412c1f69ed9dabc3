/** A guest whose machine has no secure processor: nothing is attested, and what is missing is said. */
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { mustRun, unitState } from './inside.ts';
import { curl } from './outside.ts';
import { minutes, missing, useGuest } from './scene.ts';

const scene = useGuest('sev_guest', () => null);
const agent = 'affidavit-agent';

const refused = {
  ...{ ActiveState: 'failed', Result: 'exit-code', ExecMainStatus: '30', NRestarts: '0' },
};

function assertRefused() {
  return eventually(async () => {
    expect(await unitState(scene.guest, agent, Object.keys(refused))).toEqual(refused);
  });
}

const doctor = () =>
  scene.guest.run('cd /run/current-system; nodejs/bin/node agent/lib/affidavit-agent.mjs doctor');

beforeAll(async () => {
  if (missing === null) await assertRefused();
}, 4 * minutes);

describe.skipIf(missing !== null)(
  'a guest without a secure processor',
  { timeout: 4 * minutes },
  () => {
    test('has an agent that ended with 30, once, and services that run', async () => {
      expect((await curl(scene.guest, '/attestation')).status).toBe(0);
      const journal = await mustRun(scene.guest, `journalctl --no-pager --boot --unit ${agent}`);
      expect(journal).toContain('no TEE: configfs-tsm has no provider');
      for (const name of scene.names) {
        const state = await unitState(scene.guest, name, ['ActiveState', 'NRestarts']);
        expect(state, name).toEqual({ ActiveState: 'active', NRestarts: '0' });
        const { response } = await scene.ask(name);
        expect(response.service).toBe(name);
      }
    });

    test('has a doctor that says that there is no provider', async () => {
      const { code, output } = await doctor();
      expect(code).toBe(30);
      for (const id of ['kernel', 'configfs', 'tsm', 'permission']) {
        expect(output).toMatch(new RegExp(`^ok +${id} `, 'm'));
      }
      expect(output).toMatch(/provider .*configfs-tsm has no provider/);
    });

    test('ends in the same way where the kernel has no such interface', async () => {
      await mustRun(scene.guest, 'rmmod affidavit_tsm && rmmod tsm');
      const { code, output } = await doctor();
      expect(code).toBe(30);
      expect(output).toMatch(/tsm .*\/sys\/kernel\/config\/tsm\/report is not there/);
      await scene.guest.run(`systemctl reset-failed ${agent}; systemctl start ${agent}`);
      await assertRefused();
      const journal = await mustRun(scene.guest, `journalctl --no-pager --boot --unit ${agent}`);
      expect(journal).toContain('no TEE: /sys/kernel/config/tsm/report is not there');
    });
  },
);
