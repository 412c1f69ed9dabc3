/** Many verifications of one machine at the same moment. */
import { expect } from 'vitest';
import { amdReplies } from '#test/fake/vendor-server.ts';
import { amdMachine } from './collateral-scene.ts';

/** All are accepted, and the vendor was asked once for each object. */
export async function verifyAtOnce(processes: number): Promise<void> {
  const { server, hierarchy, report, verify } = await amdMachine();
  const good = amdReplies(hierarchy);
  // Slow enough that the last process still finds the first one asking.
  server.reply((path) => {
    const found = good(path);
    return found && { ...found, delay: 1000 };
  });
  const ended = await Promise.all(
    Array.from({ length: processes }, () => verify('--report', report, '--quiet')),
  );
  expect(ended.map(({ code }) => code)).toEqual(Array.from({ length: processes }, () => 0));
  const fetched = ended.flatMap(({ stderr }) => stderr.match(/ fetched /g) ?? []);
  expect([server.requests.length, fetched.length]).toEqual([3, 3]);
}
