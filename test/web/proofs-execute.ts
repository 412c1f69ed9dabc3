/** In the place of prover/execute.ts in a page of the tests: test-size circuits take less than those that ship. */
import type { InputMap } from '@noir-lang/noir_js';
import { type Executable, executeCircuit as execute } from '#prover/execute.ts';
import type { Bytes } from '#verifier/bytes.ts';

export { artifactHashOf } from '#prover/execute.ts';

type AbiType = Executable['abi']['parameters'][number]['type'];
type Value = InputMap[string];

/** What of a value the type has room for: no member that it does not name, no element behind its last. */
function fitted(type: AbiType, value: Value): Value {
  if (type.kind === 'array' && Array.isArray(value)) {
    return value.slice(0, type.length).map((one) => fitted(type.type, one as Value)) as Value;
  }
  if (type.kind !== 'struct') return value;
  const members = value as InputMap;
  return Object.fromEntries(
    type.fields.map(({ name, type: own }) => [name, fitted(own, members[name] as Value)]),
  );
}

export function executeCircuit(circuit: Executable, inputs: InputMap): Promise<Bytes> {
  const fitting = circuit.abi.parameters.map(({ name, type }) => [
    name,
    fitted(type, inputs[name] as Value),
  ]);
  return execute(circuit, Object.fromEntries(fitting));
}
