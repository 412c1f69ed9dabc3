/** Each rule on a guest that has its mistake, and on the one beside it that does not. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeDescription } from '#verifier/guest-lint/description.ts';
import { fails, type GuestDescription, lintGuest } from '#verifier/guest-lint/lint.ts';
import { placeOf } from '#verifier/guest-lint/place.ts';
import { rules } from '#verifier/guest-lint/rules.ts';
import { changed, cleanGuest, mount, unit } from './guests.ts';
import { rows } from './mistakes.ts';

/** What is true of every guest. */
const always = ['acpi-from-host', 'clock-from-host'];
const idsOf = (guest: GuestDescription) => [
  ...new Set(lintGuest(guest).findings.map(({ rule }) => rule)),
];
const beyond = (guest: GuestDescription) => idsOf(guest).filter((id) => !always.includes(id));

test('a well-made guest has no error and no warning', () => {
  const report = lintGuest(cleanGuest);
  expect(report.findings.map(({ rule, severity }) => [rule, severity])).toEqual(
    always.map((id) => [id, 'note']),
  );
  expect([fails(report, 'warning'), fails(report, 'note')]).toEqual([false, true]);
});

test('ids are told apart, and every rule has a mistake here', () => {
  const ids = rules.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const seeded = new Set<string>([...rows.map(([id]) => id), ...always]);
  expect(ids.filter((id) => !seeded.has(id))).toEqual([]);
});

describe.each(rows)('%s (%#)', (id, mistake, twin) => {
  test('is found, alone', () => {
    expect(beyond(changed(mistake))).toEqual([id]);
  });

  test('is not found in its twin', () => {
    expect(beyond(changed(twin))).toEqual([]);
  });

  test('is of guests that the reader takes', () => {
    for (const guest of [changed(mistake), changed(twin)]) {
      expect(decodeDescription(guest, 'guest')).toEqual(guest);
    }
  });
});

test('ACPI: gone with acpi=off; TDX has a register to compare', () => {
  expect(idsOf(changed(({ boot }) => boot.parameters.push('acpi=off')))).not.toContain(always[0]);
  const tdx = lintGuest({ ...cleanGuest, tee: 'tdx' }).findings[0];
  expect(tdx?.what).toContain('RTMR0');
});

const name = fc.stringMatching(/^[a-z]{3,8}$/);
/** Units and parameters that no rule is about. */
const noise = fc.record({
  parameters: fc.array(
    fc.oneof(
      fc.constantFrom('quiet', 'lsm=yama', 'net.ifnames=0', 'panic=-1'),
      name.map((n) => `x-${n}=1`),
    ),
  ),
  units: fc.array(
    name.map((n) =>
      unit(`x-${n}.service`, `ExecStart=/nix/store/${n}/bin/${n} /var/lib/x\nUser=${n}`),
    ),
  ),
});

type Noise = { parameters: string[]; units: GuestDescription['units']['all'] };

function noisy(guest: GuestDescription, more: Noise): GuestDescription {
  const { boot, units } = guest;
  return {
    ...guest,
    boot: { ...boot, parameters: [...more.parameters, ...boot.parameters] },
    units: { ...units, all: [...more.units, ...units.all] },
  };
}

test('any clean guest with one mistake gets that finding and no other', () => {
  fc.assert(
    fc.property(fc.constantFrom(...rows), noise, ([id, mistake, twin], more) => {
      expect(beyond(noisy(changed(mistake), more))).toEqual([id]);
      expect(beyond(noisy(changed(twin), more))).toEqual([]);
    }),
  );
});

test('an accepted finding is in the report with its reason, and fails nothing', () => {
  const accepted = [{ rule: 'ssh', reason: 'a guest for tests' }];
  const withSsh = changed(({ access }) => {
    access.ssh = true;
  });
  const [open, waived] = [lintGuest(withSsh), lintGuest({ ...withSsh, accepted })];
  expect([fails(open, 'error'), fails(waived, 'warning')]).toEqual([true, false]);
  const reasons = waived.findings.map(({ rule, accepted: reason }) => [rule, reason]);
  expect(reasons).toContainEqual(['ssh', 'a guest for tests']);
  expect(waived.unusedAcceptances).toEqual([]);
  expect(lintGuest({ ...cleanGuest, accepted }).unusedAcceptances).toEqual(['ssh']);
});

describe('places', () => {
  const at = (path: string, guest = cleanGuest) => placeOf(path, guest);

  test('follow the deepest mount, and where binds and overlays lead', () => {
    const guest = changed(({ storage }) => {
      storage.fileSystems?.push({
        ...mount('/etc', 'overlay', 'none', 'overlay'),
        options: ['lowerdir=/usr/etc:/nix/store/x', 'upperdir=/var/lib/state/etc'],
      });
    });
    expect(at('/nix/store/x')).toBe('measured');
    expect(at('/var/lib/state/x')).toBe('sealed');
    expect(at('/var/lib/statement')).toBe('memory');
    expect(at('/sys/firmware/dmi')).toBe('open');
    expect(at('/etc/x', guest)).toBe('sealed');
  });

  test('end in the open where mounts go round in a circle, or out of the guest', () => {
    const guest = changed(({ storage }) => {
      storage.fileSystems?.push(
        { ...mount('/a', 'none', 'none', '/b'), options: ['bind'] },
        { ...mount('/b', 'none', 'none', '/a'), options: ['bind'] },
      );
    });
    expect(at('/a/x', guest)).toBe('open');
    expect(at('/usr/../sys/firmware/x')).toBe('open');
  });

  test('are unknown where mounts are', () => {
    const guest = changed(({ storage }) => {
      storage.fileSystems = null;
    });
    expect(at('/var/x', guest)).toBe('unknown');
    expect(beyond(guest)).toEqual(['not-seen']);
  });
});
