/** A guest with a simulated AMD processor: the agent and the services under the units of the NixOS module. */
import { beforeAll, describe, expect, test } from 'vitest';
import { hasPoints, pointsMissing, sharedPoints } from '#test/prover/points.ts';
import { parseLog } from '#verifier/abi/log.ts';
import { encodeResponse, verifyResponse } from '#verifier/abi/response.ts';
import { parseTreeProof, verifyTreeProof } from '#verifier/abi/tree-proof.ts';
import { fromBase64, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import { fieldFromBytes } from '#verifier/field.ts';
import { eventually } from './eventually.ts';
import { attemptAs, mustRun, processStatus, unitState, units } from './inside.ts';
import { curl, curlJson, firstAnswer } from './outside.ts';
import { simulatedAmd } from './processors.ts';
import { minutes, missing, useGuest } from './scene.ts';

const scene = useGuest('sev_guest', simulatedAmd);

beforeAll(async () => {
  if (missing !== null) return;
  const { guest } = scene;
  await firstAnswer(guest, '/attestation', 180);
  const seconds = (guest.age() / 1000).toFixed(1);
  const cost = guest.processorSeconds().toFixed(1);
  console.log(
    `guest: first /attestation ${seconds} s after QEMU's start (${cost} s of processor time), ${guest.retries} retries`,
  );
}, 4 * minutes);

const refusal = /Permission denied|No such file or directory|Read-only file system/;

describe.skipIf(missing !== null)(
  'a guest with a secure processor',
  { timeout: 4 * minutes },
  () => {
    test('is asked from outside with curl', async () => {
      const { guest, image, names } = scene;
      const nonce = 'ab'.repeat(32);
      const asked = guest.processor?.requests() ?? 0;
      const attestation = await curl(guest, `/attestation?nonce=${nonce}`);
      expect(attestation).toMatchObject({
        status: 200,
        type: 'application/vnd.affidavit.evidence+json',
      });
      expect(JSON.parse(attestation.body)).toMatchObject({ platform: 'sev-snp', nonce });
      expect(guest.processor?.requests()).toBe(asked + 1);
      const { services } = await curlJson(guest, '/services');
      expect(services.map(({ name }: { name: string }) => name).sort()).toEqual(names.toSorted());
      const manifest = (await curl(guest, '/closure')).body.trim().split('\n');
      expect(manifest.map((line) => line.slice(65))).toEqual(image.store.paths.toSorted());
      expect((await curl(guest, '/readyz')).status).toBe(200);
    });

    test('its evidence is accepted under the simulator’s root, for the closure that was built, and not otherwise', async () => {
      const { image, processor, affidavit, url, path } = scene;
      const measured = await affidavit('measure', 'closure', image.store.registration);
      expect(measured).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/),
      });
      const same = { code: 0, stdout: measured.stdout };
      expect(await affidavit('measure', 'closure', image.store.system)).toMatchObject(same);
      const whole = ['--root', image.store.root, '--verify', '--allow-extra'];
      const again = await affidavit('measure', 'closure', image.store.registration, ...whole);
      expect(again).toMatchObject(same);

      const roots = ['--insecure-root', path('roots.pem')];
      const measurement = ['--measurement', processor?.measurement ?? ''];
      const expected = ['--closure', measured.stdout.trim(), ...measurement];
      expect(await affidavit('verify', url(), ...roots, ...expected)).toMatchObject({ code: 0 });
      const underAmd = await affidavit('verify', url(), ...expected, '--format', 'json');
      expect(underAmd.code).toBe(20);
      expect(failedIn(underAmd.stdout)).toContain('chain.root-pinned');
      const other = ['--closure', '00'.repeat(32), ...measurement, '--format', 'json'];
      const otherClosure = await affidavit('verify', url(), ...roots, ...other);
      expect(otherClosure.code).toBe(10);
      expect(failedIn(otherClosure.stdout)).toEqual(['policy.closure-digest']);
    });

    test('all of its units run', async () => {
      const { guest, names } = scene;
      const overall =
        'for i in $(busybox seq 60); do systemctl is-system-running && exit; busybox sleep 1; done';
      expect((await guest.run(overall)).output.trim().split('\n').at(-1)).toBe('running');
      for (const name of ['affidavit-keys', 'affidavit-agent', ...names]) {
        const state = await unitState(guest, name, ['ActiveState', 'NRestarts', 'FragmentPath']);
        expect(state, name).toMatchObject({ ActiveState: 'active', NRestarts: '0' });
        expect(state['FragmentPath'], name).toMatch(/^\/(?:nix\/store|etc\/systemd\/system)\//);
      }
      expect((await units(guest, '*')).filter(({ active }) => active === 'failed')).toEqual([]);
    });

    test('no process of ours has a capability, and the agent alone is root', async () => {
      const { guest, names } = scene;
      const none = '0'.repeat(16);
      for (const name of ['affidavit-agent', ...names]) {
        const status = await processStatus(guest, name);
        expect(status, name).toMatchObject({
          ...{ CapInh: none, CapPrm: none, CapEff: none, CapBnd: none, CapAmb: none },
          ...{ NoNewPrivs: '1', Seccomp: '2' },
        });
        const isRoot = status['Uid']?.split('\t').includes('0');
        expect(isRoot, name).toBe(name === 'affidavit-agent');
      }
    });

    test('the agent reaches reports and public keys, and no secret one', async () => {
      const { guest, names, image } = scene;
      const refused = [
        ...names.map((name) => `busybox cat /run/affidavit/keys/${name}.key`),
        ...names.map((name) => `busybox cat /run/credentials/${name}.service/key`),
        ...names.map((name) => `busybox cat /proc/1/root/run/affidavit/keys/${name}.key`),
        'busybox ls /run/affidavit/keys',
        `busybox touch ${image.store.system}`,
        'busybox touch /etc/passwd',
      ];
      for (const { what, answer } of await attemptAs(guest, 'affidavit-agent', refused)) {
        expect(answer, what).toMatch(refusal);
      }
      const entry = '/sys/kernel/config/tsm/report/probe';
      const allowed = [
        ...names.map((name) => `busybox cat /run/affidavit/public/${name}.pub`),
        `busybox mkdir ${entry} && busybox rmdir ${entry}`,
      ];
      for (const { what, answer } of await attemptAs(guest, 'affidavit-agent', allowed)) {
        expect(answer, what).toBe('done');
      }
    });

    test('a service reaches its own key alone, and not the reports', async () => {
      const { guest, names, image } = scene;
      for (const name of names) {
        const others = names.filter((other) => other !== name);
        const refused = [
          ...others.map((other) => `busybox cat /run/credentials/${other}.service/key`),
          ...names.map((one) => `busybox cat /run/affidavit/keys/${one}.key`),
          `busybox cat /run/affidavit/public/${name}.pub`,
          'busybox mkdir /sys/kernel/config/tsm/report/probe',
          `busybox touch ${image.store.system}`,
          'busybox touch /etc/passwd',
        ];
        for (const { what, answer } of await attemptAs(guest, name, refused)) {
          expect(answer, `${name}: ${what}`).toMatch(refusal);
        }
        const own = `busybox cat /run/credentials/${name}.service/key`;
        expect(await attemptAs(guest, name, [own])).toEqual([{ what: own, answer: 'done' }]);
      }
      const [name] = names;
      const stat = `busybox stat -c '%a %u:%g' /run/credentials/${name}.service /run/credentials/${name}.service/key`;
      const modes = (await mustRun(guest, stat)).trim().replace('\n', ', its file ');
      console.log(`guest: mode and owner of a service's credentials: folder ${modes}`);
    });

    test('each service answers over TCP, with the key that the evidence binds', async () => {
      const { guest, names } = scene;
      const { bound } = await curlJson(guest, '/attestation');
      const root = rootOf(bound);
      const { services } = await curlJson(guest, '/services');
      for (const name of names) {
        const { response } = await scene.ask(name);
        expect(response.service).toBe(name);
        const proof = parseTreeProof((await curl(guest, `/proofs/${name}`)).body);
        const { publicKey } = verifyTreeProof(proof, { root, name, claim: 'present' });
        expect(verifyResponse(response, publicKey), name).toBe(true);
        expect(verifyResponse({ ...response, body: utf8('hallo') }, publicKey), name).toBe(false);
        const listed = services.find((one: { name: string }) => one.name === name);
        expect(listed.publicKey, name).toBe(toHex(publicKey));
      }
      const absent = parseTreeProof((await curl(guest, '/proofs/echo-none')).body);
      expect(verifyTreeProof(absent, { root, name: 'echo-none', claim: 'absent' })).toBeNull();
    });

    test.for(['echo-cpp', 'echo-rust'])(
      'Alice proves a response of %s, and Bob accepts it',
      async (name, { skip }) => {
        skip(!hasPoints, pointsMissing);
        const { guest, names, affidavit, file, path } = scene;
        skip(!names.includes(name), `${name} could not be built here`);
        const { response } = await scene.ask(name);
        const given = [
          ...['--bundle', file('bundle.json', (await curl(guest, '/attestation')).body)],
          ...['--response', file('response.json', encodeResponse(response))],
        ];
        const service = file('service.json', (await curl(guest, `/proofs/${name}`)).body);
        const nonce = toHex(crypto.getRandomValues(new Uint8Array(32)));
        const forBob = ['--audience', 'bob.example', '--nonce', nonce, '--crs', sharedPoints];
        const proof = path(`${name}.proof`);
        const proved = await affidavit(
          ...['prove', ...given, '--service', service, ...forBob],
          ...['--disclose', 'service-key', '--out', proof],
        );
        expect(proved).toMatchObject({ code: 0 });
        const roots = ['--insecure-root', path('roots.pem')];
        const check = () => affidavit('check', proof, ...given, ...forBob, ...roots);
        expect(await check()).toMatchObject({ code: 0 });
        file('response.json', encodeResponse({ ...response, body: utf8('hallo') }));
        expect(await check()).toMatchObject({ code: 20 });
      },
    );

    test('a processor that refuses, lies about a length or hangs costs that one answer', async () => {
      const { guest } = scene;
      await mustRun(guest, 'echo 3000 > /sys/module/affidavit_tsm/parameters/timeout_ms');
      for (const behaviour of ['refuse', 'truncate', 'hang'] as const) {
        guest.processor?.behave(behaviour);
        const failed = await curl(guest, '/attestation');
        guest.processor?.behave('answer');
        expect(failed.status, behaviour).toBe(502);
        expect(JSON.parse(failed.body), behaviour).toMatchObject({ code: 'device-failed' });
        expect((await curl(guest, '/attestation')).status, `after ${behaviour}`).toBe(200);
      }
    });

    test('new keys are a new tree, which the history shows', async () => {
      const { guest, names } = scene;
      const before = await curlJson(guest, '/services');
      const agent = await unitState(guest, 'affidavit-agent', ['MainPID']);
      await mustRun(guest, 'systemctl restart affidavit-keys');
      const after = await eventually(async () => {
        const found = await curlJson(guest, '/services');
        for (const name of names) expect(keyOf(found, name), name).not.toBe(keyOf(before, name));
        return found;
      });
      const { entries } = await curlJson(guest, '/history');
      const trees = parseLog(entries.map((entry: string) => fromBase64(entry, 'entry'))).entries;
      expect(trees.at(0)).toMatchObject({ reason: 'boot', treeRoot: rootOf(before) });
      expect(trees.at(-1)).toMatchObject({ treeRoot: rootOf(after) });
      // The keys are written one after the other: a slow machine sees some of them before the rest.
      for (const entry of trees.slice(1)) {
        expect(entry).toMatchObject({ reason: expect.stringMatching(/^services? .* restarted$/) });
      }
      expect(await unitState(guest, 'affidavit-agent', ['MainPID'])).toEqual(agent);
      expect((await curlJson(guest, '/attestation')).bound.treeRoot).toBe(after.treeRoot);
      for (const name of names) {
        const { response } = await eventually(() => scene.ask(name));
        expect(verifyResponse(response, fromHex(keyOf(after, name), 'key', 64)), name).toBe(true);
      }
    });

    test('a file of the store that was changed is found before anything is attested', async () => {
      const { guest, image } = scene;
      const unit = 'affidavit-agent';
      expect(await unitState(guest, unit, ['ActiveState'])).toEqual({ ActiveState: 'active' });
      await mustRun(guest, verifying);
      const log = () => mustRun(guest, `journalctl --no-pager --boot --unit ${unit}`);
      await eventually(async () => {
        const { status } = await curl(guest, '/attestation');
        expect(status, (await log()).slice(-2000)).toBe(200);
      });
      expect(await log()).toContain('every NAR hashed again');

      const changed = image.store.paths.find((found) => found.endsWith('-affidavit-agent'));
      await mustRun(guest, `echo '// changed' >> ${changed}/lib/affidavit-agent.mjs`);
      await mustRun(guest, `systemctl restart --no-block ${unit}`);
      const ended = {
        ...{ ActiveState: 'failed', Result: 'exit-code', ExecMainStatus: '2', NRestarts: '0' },
      };
      await eventually(async () => {
        expect(await unitState(guest, unit, Object.keys(ended))).toEqual(ended);
      });
      expect(await log()).toContain(`affidavit agent: ${changed} differs`);
      expect((await curl(guest, '/attestation')).status).toBe(0);
    });
  },
);

/** Starts the agent again with the configuration that hashes the whole store. */
const verifying = `
  folder=/run/systemd/system/affidavit-agent.service.d
  busybox mkdir -p $folder
  command=$(busybox sed -n 's|^ExecStart=\\(.*\\) run --config .*|\\1|p' /etc/systemd/system/affidavit-agent.service)
  busybox printf '[Service]\\nExecStart=\\nExecStart=%s run --config %s\\n' "$command" /run/current-system/etc/agent-verifying.json > $folder/verifying.conf
  systemctl daemon-reload
  systemctl restart --no-block affidavit-agent`;

/** Ids of the checks of a verdict (JSON) that failed. */
function failedIn(verdict: string): string[] {
  const { checks } = JSON.parse(verdict) as { checks: { id: string; status: string }[] };
  return checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
}

/** What `/services` says. */
type Services = { treeRoot: string; services: { name: string; publicKey: string }[] };

function keyOf({ services }: Services, wanted: string): string {
  return services.find(({ name }) => name === wanted)?.publicKey ?? '';
}

function rootOf({ treeRoot }: Pick<Services, 'treeRoot'>) {
  return fieldFromBytes(fromHex(treeRoot, 'root', 32), 'root');
}
