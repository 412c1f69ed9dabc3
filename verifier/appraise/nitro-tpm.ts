/** The policy on a document of AWS NitroTPM that stands beside a machine, as a device of its bundle. */
import type { NitroDocument } from '../abi/nitro.ts';
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import { checkNitro } from './nitro.ts';
import type { NitroPolicy } from './nitro-policy.ts';

const checks = [
  'policy.nitro-debug',
  'policy.nitro-pcrs',
  'policy.nitro-module',
  'policy.nitro-user-data',
  'policy.nitro-public-key',
] as const satisfies readonly CheckId[];

/**
 * Makes the five checks of a Nitro document.
 * @param policy `unasked`: the policy asks nothing of it; undefined: it has no word for such documents, and so refuses each
 */
export function checkNitroTpm(
  list: Checklist,
  document: NitroDocument | null,
  policy: NitroPolicy | 'unasked' | undefined,
): void {
  if (policy === undefined) {
    for (const id of checks) {
      list.fail(id, {
        expected: 'a policy with the member nitro',
        actual: 'no such member',
        reason: 'the policy has no member nitro: evidence of NitroTPM is refused',
      });
    }
  } else if (policy === 'unasked') for (const id of checks) list.pass(id, { expected: 'any' });
  else if (document === null) for (const id of checks) list.skip(id, 'a readable Nitro document');
  else checkNitro(list, document, policy);
}
