/** The answers, as JSON Schema. */
import { checkIds, stages } from '../checks.ts';
import type { JsonSchema } from './schema.ts';

const nullableText = { type: ['string', 'null'] };

const checkSchema: JsonSchema = {
  type: 'object',
  required: ['id', 'stage', 'status', 'expected', 'actual', 'reason', 'spec'],
  properties: {
    id: { enum: checkIds },
    stage: { enum: stages },
    status: { enum: ['pass', 'fail', 'skip', 'waived'] },
    expected: nullableText,
    actual: nullableText,
    reason: nullableText,
    spec: { type: 'string' },
  },
};

export const verdictSchema: JsonSchema = {
  type: 'object',
  required: [
    'policyName',
    'mode',
    'decision',
    'at',
    'policy',
    'checks',
    'expires',
    'forecast',
    'warnings',
  ],
  properties: {
    policyName: { type: 'string' },
    mode: {
      enum: ['enforce', 'observe'],
      description: 'observe: the decision is the one that enforce would give, and is to be watched',
    },
    decision: { enum: ['accepted', 'rejected', 'invalid', 'undecided'] },
    at: { type: 'integer', description: 'The time verified for, Unix seconds' },
    policy: { type: 'string', description: 'Digest of the policy, narrowed as asked' },
    checks: { type: 'array', items: checkSchema },
    expires: {
      type: ['integer', 'null'],
      description: 'When the first piece of collateral runs out, Unix seconds',
    },
    forecast: {
      type: 'array',
      description: 'All that runs out, the first first',
      items: {
        type: 'object',
        required: ['what', 'at'],
        properties: { what: { type: 'string' }, at: { type: 'integer' } },
      },
    },
    warnings: { type: 'array', items: { type: 'string' } },
  },
};

export const tokenKeysSchema: JsonSchema = {
  type: 'object',
  required: ['keys'],
  properties: { keys: { type: 'array', items: { type: 'object' } } },
};

export const problemSchema: JsonSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code'],
  properties: {
    type: { const: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable' },
    detail: { type: 'string' },
  },
};
