/** Changes of a certificate's extensions. */
import {
  type CertificatePlan,
  type Change,
  type Extension,
  removeExtension,
  replaceExtension,
} from '#test/fake/certificates.ts';
import type { TpmProviderOverrides } from '#test/fake/tpm-certificates.ts';

export type Role = keyof TpmProviderOverrides;
export type Plan = Change<CertificatePlan>;

const edit = (change: (found: readonly Extension[]) => Extension[]): Plan => {
  return (plan) => ({ extensions: change(plan.extensions) });
};
export const put = (one: Extension) => edit((found) => replaceExtension(found, one));
export const drop = (oid: string) => edit((found) => removeExtension(found, oid));
export const add = (...more: Extension[]) => edit((found) => [...found, ...more]);
