/** Which quotes the circuits tdx-pck and tdx-quote take: protocol, "Constants asserted", and the room that they have. */
import { intelQeVendorId } from '#verifier/abi/quote.ts';
import { parseEnclaveReport } from '#verifier/abi/sgx-report.ts';
import { attributesOf } from '#verifier/abi/td-report.ts';
import { equalBytes, fromHex, isZero, toHex } from '#verifier/bytes.ts';
import { type Faults, refuseFaults } from './alice-errors.ts';
import type { QuoteFacts } from './quote-facts.ts';
import { certificateRoom } from './tdx-inputs.ts';

/** Of Intel's enclaves. */
const mrSigner = fromHex(
  'dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5',
  'MRSIGNER',
);
/** Of the enclave that quotes TDs. */
const tdQeProductId = 2;
const authenticationLength = 32;
/** A byte 0x80 and the length, 8 bytes: the least padding that SHA-256 adds. */
const leastPadding = 9;
/** Of an enclave's ATTRIBUTES, in its first byte. */
const enclaveDebug = 0x02;

const debug = 1n;
const septVeDisable = 1n << 28n;

/**
 * @param certified whether the PCK's certificate is to be proved
 * @throws AliceError `quote-unsupported`
 */
export function refuseQuote(facts: QuoteFacts, certified: boolean): void {
  refuseFaults('quote-unsupported', 'the quote', [
    ...tdFaults(facts),
    ...enclaveFaults(facts),
    ...authenticationFaults(facts),
    ...(certified ? roomFaults(facts) : []),
  ]);
}

function tdFaults({ report }: QuoteFacts): Faults {
  const attributes = attributesOf(report.tdAttributes);
  return [
    [(attributes & debug) === 0n, 'the TD is to be debugged'],
    [(attributes & septVeDisable) !== 0n, 'the TD does not set SEPT_VE_DISABLE'],
    [isZero(report.mrSignerSeam), 'its TDX module is not Intel’s: MRSIGNERSEAM is not zero'],
    [isZero(report.seamAttributes), 'its TDX module has SEAM attributes'],
  ];
}

function enclaveFaults({ signed, qeReport }: QuoteFacts): Faults {
  const enclave = parseEnclaveReport(qeReport, 'QE report');
  const product = enclave.isvProdId;
  return [
    [equalBytes(signed.subarray(12, 28), intelQeVendorId), 'its quoting enclave is not of Intel'],
    [
      equalBytes(enclave.mrSigner, mrSigner),
      `its quoting enclave is signed by ${toHex(enclave.mrSigner)}, not by Intel`,
    ],
    [product === tdQeProductId, `its quoting enclave is product ${product}, that for TDs is 2`],
    [((enclave.attributes[0] ?? 0) & enclaveDebug) === 0, 'its quoting enclave is to be debugged'],
  ];
}

function authenticationFaults({ authenticationData }: QuoteFacts): Faults {
  const { length } = authenticationData;
  const fault = `it has ${length} bytes of authentication data, the circuit takes ${authenticationLength}`;
  return [[length === authenticationLength, fault]];
}

function roomFaults({ certificate }: QuoteFacts): Faults {
  const mostTbs = certificateRoom - leastPadding;
  const { length } = certificate.tbs;
  const fault = `the PCK certificate has ${length} bytes to be signed, the circuit takes ${mostTbs}`;
  return [[length <= mostTbs, fault]];
}
