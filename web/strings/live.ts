/** Every word of the live page that is not the verifier's own. */
import type { Decision } from '#verifier/appraise/verdict.ts';

const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

export const liveStrings = {
  name: 'Affidavit',
  tagline: 'What this verifier decides, as it happens.',
  skip: 'Skip to the content',
  evidencePage: 'Look at evidence',
  insecure:
    'INSECURE: this service believes evidence under a root that was handed over, not the vendor’s. This proves nothing about hardware.',
  unlogged: 'No decision log is kept: what is shown here is forgotten when the service stops.',

  state: {
    title: 'Service',
    starting: 'Asking the service…',
    answering: 'Answering',
    paused: 'Paused',
    silent: 'Not answering',
    silentSince: (time: string) => `The service has not answered since ${time}.`,
    neverAnswered: 'The service has not answered yet.',
    what: 'What is shown is from then.',
    nextTry: (seconds: number) =>
      seconds <= 0 ? 'Asking again now.' : `Asking again in ${seconds} s.`,
    pause: 'Pause refreshing',
    resume: 'Refresh again',
    facts: {
      since: 'Running since',
      total: 'Verifications',
      policies: 'Policies',
      answered: 'Last answer',
    },
    noPolicies: 'none',
    problems: {
      refused: (status: number) => `It answered with status ${status}.`,
      unreadable: 'Its answer could not be read: page and service may be of different releases.',
      network: 'There was no answer: it may have been stopped, or the network is down.',
    },
  },

  decisions: {
    accepted: { mark: '✓', word: 'accepted' },
    rejected: { mark: '✕', word: 'rejected' },
    invalid: { mark: '⊘', word: 'invalid' },
    undecided: { mark: '?', word: 'undecided' },
  } satisfies Record<Decision, { mark: string; word: string }>,

  chart: {
    title: 'Verifications',
    spans: { hour: 'Last hour', quarter: 'Last 6 hours', day: 'Last 24 hours' },
    spanLabel: 'Time shown',
    steps: {
      hour: 'Each bar is a minute.',
      quarter: 'Each bar is 5 minutes.',
      day: 'Each bar is 20 minutes.',
    },
    name: (total: number, span: string, parts: string) =>
      `${span}: ${plural(total, 'verification')}${total === 0 ? '' : `, ${parts}`}. The table below says the same.`,
    part: (count: number, word: string) => `${count.toLocaleString('en')} ${word}`,
    none: 'No verification in this time.',
    hint: 'Point at a bar for its figures; times are UTC.',
    at: (time: string, parts: string) => `${time} UTC: ${parts}`,
    nothing: 'nothing',
    table: 'The same as a table',
    tableLabel: 'Verifications over time',
    from: 'From (UTC)',
    total: 'Total',
    byPolicy: 'By policy, since the service started',
    byPolicyLabel: 'Verifications by policy',
    policy: 'Policy',
    half: 'Half within',
    most: '95 % within',
    micros: (value: number | null) =>
      value === null
        ? 'over 10 s'
        : value === 0
          ? '–'
          : value < 1000
            ? `${value} µs`
            : value < 1_000_000
              ? `${value / 1000} ms`
              : `${value / 1_000_000} s`,
  },

  refusals: {
    title: 'What stood in the way',
    note: 'Checks that failed, or could not be made where a verdict was undecided, since the service started.',
    listLabel: 'Checks by how often they stood in the way',
    none: 'Nothing: no verification was refused.',
    count: (failed: number, skipped: number) =>
      [
        ...(failed > 0 ? [`failed ${plural(failed, 'time')}`] : []),
        ...(skipped > 0 ? [`not made ${plural(skipped, 'time')}`] : []),
      ].join(', '),
    passesWhen: (title: string) => `Passes when ${title}.`,
    remedy: 'What to do',
    last: 'Last',
    spec: 'Specification',
    unknown: 'This release knows no such check.',
  },

  agents: {
    title: 'Agents watched',
    none: 'None. Start the service with --watch URL to have it ask an agent again and again.',
    policy: 'Policy',
    decided: 'Decided',
    asked: 'Asked',
    never: 'not yet',
    waiting: 'not asked yet',
    every: (seconds: number) =>
      seconds % 3600 === 0
        ? `every ${seconds === 3600 ? 'hour' : `${seconds / 3600} h`}`
        : seconds % 60 === 0
          ? `every ${seconds === 60 ? 'minute' : `${seconds / 60} min`}`
          : `every ${seconds} s`,
    changed: 'Last change',
    changedFrom: (from: string, to: string) => `from ${from} to ${to}`,
    unchanged: 'none since the service started',
    trouble: (count: number, since: string) =>
      `No decision since ${since}, ${plural(count, 'time')} in a row.`,
    stale: 'The decision above is an old one.',
    expiry: 'Runs out next',
    nothingEnds: 'nothing known',
    ending: (what: string, when: string) => `${what}, ${when}`,
    barName: (count: number) =>
      count === 0
        ? 'Nothing runs out within 30 days'
        : `${plural(count, 'thing')} ${count === 1 ? 'runs' : 'run'} out within 30 days`,
    today: 'now',
    days: '30 days',
    later: 'nothing within 30 days',
    all: (count: number) => `All ${count} that run out`,
  },

  log: {
    title: 'Decisions',
    search: 'Search',
    searchHint: 'policy, decision, check, or the first digits of the evidence’s SHA-256',
    filter: 'Decision',
    all: 'all',
    count: (count: number, more: boolean) =>
      `${count.toLocaleString('en')}${more ? ' or more' : ''} new`,
    show: 'Show',
    loading: 'Reading…',
    none: 'No decision yet.',
    noneFound: 'Nothing found.',
    noneSoFar: (time: string) => `Nothing found back to ${time}.`,
    older: 'Older decisions',
    further: 'Search further back',
    searchedTo: (time: string) => `Searched back to ${time}.`,
    end: 'That is all there is.',
    damaged: (count: number) =>
      `${plural(count, 'line')} of the log ${count === 1 ? 'is' : 'are'} not as written, and not shown: run affidavit log verify.`,
    failed: 'The log could not be read. It is tried again.',
    tableLabel: 'Decisions, the newest first',
    columns: {
      at: 'Time (UTC)',
      decision: 'Decision',
      policy: 'Policy',
      evidence: 'Evidence',
      why: 'Why',
    },
    observed: 'observed only',
    detailsColumn: 'Details',
    details: (time: string, decision: string) => `Details: ${decision}, ${time}`,
    allPassed: 'every check passed',
    more: (first: string, others: number) => (others === 0 ? first : `${first} and ${others} more`),
    evidence: 'SHA-256 of the evidence',
    policyDigest: 'Digest of the policy',
    expires: 'Runs out first',
    nothingExpires: 'nothing',
    failedChecks: 'Failed',
    skippedChecks: 'Could not be made',
    waivedChecks: 'Waived by the policy',
  },

  ago: (seconds: number) => {
    if (seconds < 1) return 'just now';
    if (seconds < 120) return `${seconds} s ago`;
    if (seconds < 7200) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
    return `${Math.floor(seconds / 86_400)} days ago`;
  },
} as const;
