/** What `affidavit replay` prints. */
import { describeExplanation, eventLabel } from '#verifier/abi/event-log/describe.ts';
import { replayPcrs } from '#verifier/abi/event-log/replay.ts';
import { type LogEvent, registerName } from '#verifier/abi/event-log/types.ts';
import { toHex } from '#verifier/bytes.ts';
import { harmless, wrap } from '#verifier/words/lines.ts';
import type { ReplayedRegister, ReplayReport } from './replay-command.ts';

const marks = { fits: 'fits', differs: 'DIFFERS', untold: 'NOT TOLD' } as const;

/** 100 columns; the last line says how it ended. */
export function renderReplay(report: ReplayReport): string {
  const blocks = [
    headLines(report),
    quoteLines(report),
    report.against === 'nothing' ? valueLines(report) : registerLines(report),
    noteLines(report),
    wrap(conclusionOf(report), '', '  '),
  ];
  const filled = blocks.filter((block) => block.length > 0);
  return `${filled.map((block) => block.join('\n')).join('\n\n')}\n`;
}

function headLines({ file, log }: ReplayReport): string[] {
  const format = log.format === 'sha1' ? 'format of SHA-1' : log.algorithms.join(', ');
  return wrap(harmless(`${file}: ${log.events.length} events, ${format}`), '', '  ');
}

function quoteLines({ checks }: ReplayReport): string[] {
  if (checks === null) return [];
  const bad = checks.filter(({ status }) => status !== 'pass');
  if (bad.length === 0) {
    return wrap(
      'The quote’s chain ends in a trusted root, and its quoting enclave, attestation key and signature verify. Whether the platform is up to date (TCB status) was not judged: affidavit verify does.',
      '',
      '  ',
    );
  }
  return [
    'The quote is not shown to be genuine:',
    ...bad.flatMap(({ id, status, reason }) =>
      wrap(harmless(`${status} ${id}: ${reason ?? ''}`), '  ', '    '),
    ),
  ];
}

function nameOf({ kind }: ReplayReport, { register, algorithm }: ReplayedRegister): string {
  const name = registerName(kind, register);
  return kind === 'pcr' ? `${algorithm} ${name}` : name;
}

function registerLines(report: ReplayReport): string[] {
  const width = Math.max(0, ...report.registers.map((one) => nameOf(report, one).length));
  return report.registers.flatMap((one) => {
    const name = nameOf(report, one).padEnd(width);
    const count = `${one.events.length} event${one.events.length === 1 ? '' : 's'}`;
    const phases = one.phases.length === 0 ? '' : `, then systemd’s ${one.phases.join(', ')}`;
    return [
      ...wrap(`${marks[one.status].padEnd(8)}  ${count}${phases}`, `${name}  `, '  '),
      ...(one.explanation === null ? [] : problemLines(report, one)),
    ];
  });
}

function problemLines(report: ReplayReport, one: ReplayedRegister): string[] {
  const { register, algorithm, held, replayed, explanation, difference } = one;
  if (explanation === null) return [];
  const detail = (label: string, text: string) => {
    const margin = ' '.repeat(15);
    const [first = '', ...rest] = wrap(harmless(text), margin, margin);
    return [`    ${label.padEnd(11)}${first.slice(margin.length)}`, ...rest];
  };
  const label = (event: LogEvent | null) =>
    event === null ? 'no event more' : `${eventLabel(event, algorithm)} ${digestText(event, one)}`;
  return [
    ...detail('holds', toHex(held)),
    ...detail('log gives', toHex(replayed)),
    ...detail('why', describeExplanation(explanation, report.kind, register, algorithm)),
    ...(difference === null
      ? []
      : [
          ...detail('log', label(difference.logged)),
          ...detail('reference', label(difference.reference)),
        ]),
  ];
}

function digestText({ digests }: LogEvent, { algorithm }: ReplayedRegister): string {
  return toHex(digests.get(algorithm) ?? new Uint8Array());
}

function valueLines({ kind, log }: ReplayReport): string[] {
  return log.algorithms.flatMap((algorithm) => {
    const values = [...replayPcrs(log, algorithm)];
    const name = (register: number) => registerName(kind, register).padEnd(6);
    return values.length === 0
      ? []
      : [
          `Registers after all events, ${algorithm}:`,
          ...values.flatMap(([register, value]) =>
            wrap(toHex(value), `  ${name(register)}  `, '          '),
          ),
        ];
  });
}

function noteLines(report: ReplayReport): string[] {
  const { registers, notCompared, kind, against, insecureRoot } = report;
  const handed = insecureRoot
    ? [
        '! the quote’s chain ends in a root that was handed over (--insecure-root), not in the vendor’s',
      ]
    : [];
  const lies = registers.flatMap(({ falseData, algorithm }) =>
    falseData.map(
      (event) => `! ${eventLabel(event, algorithm)}: its digest fits, its data is another`,
    ),
  );
  const rest = notCompared.map((register) => registerName(kind, register)).join(', ');
  const open = against !== 'nothing' && rest !== '' ? [`! not compared: ${rest}`] : [];
  // Each bank tells the same of one event.
  return [...new Set([...handed, ...lies, ...open])].flatMap((line) =>
    wrap(harmless(line), '', '  '),
  );
}

function conclusionOf(report: ReplayReport): string {
  const { registers, result } = report;
  const names = (status: ReplayedRegister['status']) =>
    registers.filter((one) => one.status === status).map((one) => nameOf(report, one));
  const count = registers.length;
  switch (result) {
    case 'fits':
      return `FITS: the log tells what ${count === 1 ? 'the register holds' : `all ${count} registers hold`}.`;
    case 'differs': {
      const [differs, untold] = [names('differs'), names('untold')];
      const parts = [
        ...(differs.length > 0 ? [`does not give ${differs.join(', ')}`] : []),
        ...(untold.length > 0 ? [`does not tell of ${untold.join(', ')}`] : []),
      ];
      return `DIFFERS: the log ${parts.join(' and ')}.`;
    }
    case 'quote-false':
      return 'INVALID: the quote is not genuine, so nobody vouches for its registers.';
    case 'quote-undecided':
      return 'UNDECIDED: the log gives the registers, but the quote lacks what would prove it genuine.';
    case 'nothing':
      return 'UNDECIDED: there is nothing to compare the log with (--quote, --registers, --reference).';
  }
}

export function replayJson(report: ReplayReport): string {
  const { kind, against, log, registers, notCompared, checks, insecureRoot, result } = report;
  const document = {
    version: 1,
    result,
    against,
    kind,
    log: { format: log.format, algorithms: log.algorithms, events: log.events.length },
    quote: checks,
    insecureRoot,
    // Where registers were compared, each says what the log replays to.
    ...(against === 'nothing' && { replayed: replayedJson(report) }),
    registers: registers.map((one) => registerJson(report, one)),
    notCompared,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function replayedJson({ log }: ReplayReport) {
  return Object.fromEntries(
    log.algorithms.map((algorithm) => [
      algorithm,
      Object.fromEntries(
        [...replayPcrs(log, algorithm)].map(([register, value]) => [register, toHex(value)]),
      ),
    ]),
  );
}

function registerJson({ kind }: ReplayReport, one: ReplayedRegister) {
  const { register, algorithm, status, held, replayed, events, phases } = one;
  const { explanation, difference, falseData } = one;
  const place = (event: LogEvent | null) =>
    event && {
      number: event.number,
      digest: digestText(event, one),
      says: harmless(eventLabel(event, algorithm)),
    };
  return {
    register,
    name: registerName(kind, register),
    algorithm,
    status,
    held: toHex(held),
    replayed: toHex(replayed),
    events: events.length,
    phases,
    explanation: explanation && {
      kind: explanation.kind,
      event: 'event' in explanation ? (explanation.event?.number ?? null) : null,
      says: harmless(describeExplanation(explanation, kind, register, algorithm)),
    },
    difference: difference && {
      log: place(difference.logged),
      reference: place(difference.reference),
    },
    falseData: falseData.map(({ number }) => number),
  };
}
