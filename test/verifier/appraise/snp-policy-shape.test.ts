/** Every member of `sevSnp` is written out: what is missing, unknown or of another shape is refused by name. */
import { describe, expect, test } from 'vitest';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';

describe('the shape is strict', () => {
  type Json = Record<string, unknown>;
  const floors = { Milan: { fmc: 0, bootLoader: 4, tee: 1, snp: 27, microcode: 222 } };
  const full: Json = {
    ...(genuinePolicy.sevSnp as SnpPolicy),
    provider: ['CN=a'],
    guestPolicy: { ...genuinePolicy.sevSnp?.guestPolicy, minimumAbi: { major: 1, minor: 55 } },
    minimumGuestSvn: 0,
    minimumFirmware: { major: 1, minor: 55, build: 35 },
    minimumTcb: { reported: floors, current: 'any', committed: 'any', launch: 'any' },
    mitigations: { launch: '00'.repeat(8), current: '00'.repeat(8) },
    platformInfo: {
      smtEnabled: 'allowed',
      tsmeEnabled: 'allowed',
      tioEnabled: 'allowed',
      eccEnabled: 'any',
      raplDisabled: 'any',
      ciphertextHidingDramEnabled: 'any',
      aliasCheckComplete: 'any',
      unknownBits: 'allowed',
    },
    idBlock: {
      authorKey: 'any',
      trustedAuthorKeys: ['bb'.repeat(48)],
      trustedIdKeys: ['aa'.repeat(48)],
    },
    certificateTable: {
      unknownGuids: 'refused',
      requiredGuids: ['01234567-89ab-cdef-0123-456789abcdef'],
    },
    measurement: ['77'.repeat(48)],
    chipId: ['77'.repeat(64)],
    hostData: ['77'.repeat(32)],
    reportData: ['77'.repeat(64)],
    familyId: ['77'.repeat(16)],
    imageId: ['77'.repeat(16)],
    reportId: ['77'.repeat(32)],
    reportIdMa: ['77'.repeat(32)],
  };

  /** Every member, as its path. */
  function paths(value: unknown): string[][] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
    return Object.entries(value).flatMap(([name, inner]) => [
      [name],
      ...paths(inner).map((rest) => [name, ...rest]),
    ]);
  }

  /** A document in which `edit` was done to the object that holds the member. */
  function edited(path: readonly string[], edit: (holder: Json, name: string) => void): unknown {
    const sevSnp = structuredClone(full);
    let holder = sevSnp;
    for (const name of path.slice(0, -1)) holder = holder[name] as Json;
    edit(holder, path.at(-1) as string);
    return { ...genuinePolicy, sevSnp };
  }

  function set(holder: Json, name: string, value: unknown): void {
    holder[name] = value;
  }

  const all = paths(full);
  const title = (path: readonly string[]) => path.join('.');
  const shape = (message: string) =>
    expect.objectContaining({ code: 'json-shape', message: expect.stringContaining(message) });

  test('the whole document is accepted', () => {
    expect(toPolicy({ ...genuinePolicy, sevSnp: full }).sevSnp).toEqual(full);
    expect(all.length).toBeGreaterThan(60);
  });

  test.each(all.map((path) => [title(path), path] as const))('%s', (_, path) => {
    const removed = edited(path, (holder, name) => delete holder[name]);
    // Any product may be without a floor, but not all; every other member is written out.
    if (path.at(-1) === 'Milan')
      expect(() => toPolicy(removed)).toThrow(shape('a floor for at least one product'));
    else expect(() => toPolicy(removed)).toThrow(shape(`"${path.at(-1)}" is missing`));

    const wrong = (value: unknown) => edited(path, (holder, name) => set(holder, name, value));
    const values = ['no-such-word', '', true, -1, 1.5, 2 ** 40, {}, [{}], undefined, null];
    for (const value of values) {
      expect(() => toPolicy(wrong(value)), String(value)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(json-shape|hex-malformed)$/) }),
      );
    }
    const unknown = edited([...path, 'x'], (holder) => {
      if (paths(holder).length > 0) holder['extra'] = 'any';
    });
    const isObject = all.some(
      (one) => one.length > path.length && title(one).startsWith(`${title(path)}.`),
    );
    if (isObject) expect(() => toPolicy(unknown)).toThrow(shape('unknown member "extra"'));
  });

  const sets = all.filter((path) =>
    Array.isArray(path.reduce<unknown>((at, name) => (at as Json)[name], full)),
  );
  const mayBeEmpty = ['requiredGuids', 'trustedIdKeys', 'trustedAuthorKeys'];
  test.each(sets.map((path) => [title(path), path] as const))('set %s', (_, path) => {
    const empty = edited(path, (holder, name) => set(holder, name, []));
    if (mayBeEmpty.includes(path.at(-1) as string)) expect(() => toPolicy(empty)).not.toThrow();
    else expect(() => toPolicy(empty)).toThrow(shape(title(path)));
    const twice = edited(path, (holder, name) => {
      const [first] = holder[name] as unknown[];
      holder[name] = [first, first];
    });
    expect(() => toPolicy(twice)).toThrow(shape('each value once'));
  });

  test('an unknown member of sevSnp itself', () => {
    const document = edited(['extra'], (holder) => set(holder, 'extra', 'any'));
    expect(() => toPolicy(document)).toThrow(shape('unknown member "extra"'));
  });

  test('an ID block that trusts no key', () => {
    for (const authorKey of ['any', 'required']) {
      const document = edited(['idBlock'], (holder) => {
        holder['idBlock'] = { authorKey, trustedAuthorKeys: [], trustedIdKeys: [] };
      });
      expect(() => toPolicy(document)).toThrow(shape('at least one trusted key'));
    }
  });

  test('the host’s own request (VMPL 0xffffffff) cannot be accepted', () => {
    const document = edited(['vmpl'], (holder) => set(holder, 'vmpl', [0xffffffff]));
    expect(() => toPolicy(document)).toThrow(shape('an integer from 0 to 3'));
  });
});
