/**
 * What goes wrong in an agent rather than in evidence: one error type with a closed set of codes,
 * which are API both as `code` of an HTTP problem and as the exit code of the process. Malformed
 * input files keep the codes of AttestationError.
 */

/** `status`: of the HTTP answer; null for what stops the agent before it listens. */
export const agentErrorCatalogue = {
  'config-invalid': {
    status: null,
    means: 'The configuration, or a file that it names, cannot be used.',
    remedy: 'Correct the named member or file and start the agent again.',
  },
  'key-unwritable': {
    status: null,
    means: 'The key of a service cannot be written.',
    remedy: 'Check that the folders exist or can be made, and that they may be written.',
  },
  'closure-unreadable': {
    status: null,
    means: 'The store, or a path of it, is missing or cannot be read as Nix reads it.',
    remedy: 'Check that the path exists and that the agent may read all of it.',
  },
  'closure-differs': {
    status: null,
    means: 'The store does not hold what the list of the closure says.',
    remedy:
      'Make the list again from this very store; if it was made from it, the store was changed.',
  },
  'tee-missing': {
    status: null,
    means: 'This machine offers no report interface that the agent knows.',
    remedy:
      'Run it in an SEV-SNP or TDX guest with Linux 6.7 or newer, sev-guest or tdx-guest loaded and configfs mounted.',
  },
  'nonce-malformed': {
    status: 400,
    means: 'The nonce is not 64 lower-case hex digits.',
    remedy: 'Send 32 random bytes as 64 lower-case hex digits, or no nonce.',
  },
  'query-malformed': {
    status: 400,
    means: 'The query has a parameter that is unknown here, or one twice.',
    remedy: 'Send only nonce to /attestation and root to /proofs, each once.',
  },
  'name-malformed': {
    status: 400,
    means: 'No service can have this name.',
    remedy: 'Ask for a name of the form [a-z0-9][a-z0-9._-]{0,63}.',
  },
  'root-malformed': {
    status: 400,
    means: 'The tree root is not 64 lower-case hex digits.',
    remedy: 'Send the root of a tree entry of /history, or none for the present tree.',
  },
  'tree-unknown': {
    status: 404,
    means: 'No tree of this boot has this root.',
    remedy: 'Take the root from /history, or from evidence of this boot.',
  },
  'tree-gone': {
    status: 410,
    means: 'This tree is of this boot, and older than those kept.',
    remedy: 'Ask for a proof against a newer tree of /history.',
  },
  'event-log-missing': {
    status: 404,
    means: 'This machine has no event log, or the configuration serves none.',
    remedy: 'Verify the evidence without one, or name its file in eventLog of the configuration.',
  },
  'not-found': {
    status: 404,
    means: 'Nothing is served here.',
    remedy: 'Ask for one of the paths in /openapi.json.',
  },
  'method-not-allowed': {
    status: 405,
    means: 'This resource can only be read.',
    remedy: 'Use GET or HEAD.',
  },
  'body-not-accepted': {
    status: 413,
    means: 'The request carries a body, and no resource here takes one.',
    remedy: 'Send the request without a body.',
  },
  'request-malformed': {
    status: 400,
    means: 'This is no HTTP/1.1 request.',
    remedy: 'Use an HTTP client.',
  },
  'request-timeout': {
    status: 408,
    means: 'The request did not arrive whole in time.',
    remedy: 'Send it at once.',
  },
  'headers-too-large': {
    status: 431,
    means: 'The headers are larger than any that this agent reads.',
    remedy: 'Send fewer headers: none but Host is needed.',
  },
  'url-too-long': {
    status: 414,
    means: 'The URL is longer than any that this agent serves.',
    remedy: 'Ask for the plain URL, with no more than a nonce.',
  },
  'device-failed': {
    status: 502,
    means:
      'The secure processor, or the device that is named, gave no evidence, or evidence that is not of this request.',
    remedy: "Ask again; if it lasts, look at the agent's log and the guest kernel's.",
  },
  'event-log-failed': {
    status: 502,
    means: 'The event log that the configuration names cannot be read, or is larger than 4 MiB.',
    remedy: "Look at the agent's log; correct eventLog in the configuration, or set it to null.",
  },
  'bundle-too-large': {
    status: 500,
    means: 'Evidence, event log, collateral and log together are larger than 8 MiB.',
    remedy: 'Serve no event log (eventLog in the configuration), or less collateral.',
  },
  'device-busy': {
    status: 503,
    means: 'More reports are being waited for than the agent lets wait.',
    remedy: 'Ask again after the time in Retry-After.',
  },
  'not-ready': {
    status: 503,
    means:
      'The agent has not yet computed its closure, or had no answer from the secure processor or from the device that is named.',
    remedy: 'Ask again after the time in Retry-After.',
  },
  'log-full': {
    status: 503,
    means: 'The log of this boot is full, and what happened since is not in it.',
    remedy: 'Restart the guest: evidence would leave out a key or an event.',
  },
  'device-hanging': {
    status: 503,
    means:
      'The secure processor, or the device that is named, left requests unanswered; it is asked no more until one ends.',
    remedy: 'Ask again after the time in Retry-After; if it lasts, restart the guest.',
  },
  'device-timeout': {
    status: 504,
    means: 'The secure processor, or the device that is named, did not answer in time.',
    remedy: 'Ask again; if it lasts, restart the guest.',
  },
  internal: {
    status: 500,
    means: 'A fault of the agent.',
    remedy: "Look at the agent's log and report the fault.",
  },
} as const satisfies Record<string, { status: number | null; means: string; remedy: string }>;

export type AgentErrorCode = keyof typeof agentErrorCatalogue;

/** An entry of a bundle's `devices`. */
export type DeviceLabel = {
  /** Its place there, from 0. */
  readonly index: number;
  readonly kind: string;
};

export class AgentError extends Error {
  readonly code: AgentErrorCode;
  /** Which device it is about; null: the secure processor, or none. A client sees it. */
  readonly device: DeviceLabel | null;

  /**
   * @param message what happened and what was expected, for the log; a client sees the catalogue's
   *   words alone
   */
  constructor(
    code: AgentErrorCode,
    message: string,
    { device = null, ...options }: { cause?: unknown; device?: DeviceLabel | null } = {},
  ) {
    super(message, options);
    this.name = 'AgentError';
    this.code = code;
    this.device = device;
  }

  /** What a person does next. */
  get remedy(): string {
    return agentErrorCatalogue[this.code].remedy;
  }
}

/** Where the agent writes what an operator should know. */
export type Logger = {
  info(message: string): void;
  warn(message: string, cause?: unknown): void;
  error(message: string, cause?: unknown): void;
};
