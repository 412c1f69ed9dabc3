/** A stand-in for NVIDIA's command: `devices-child.ts NONCE GPUS` prints evidence of GPUs made just now, as nvattest does. */
import { createNvidia } from '#test/fake/nvidia.ts';
import { fromHex } from '#verifier/bytes.ts';

const [nonce = '', gpus = ''] = process.argv.slice(2);
const { toolOutput } = createNvidia({ gpus: Number(gpus) });
const evidences = JSON.parse(toolOutput(fromHex(nonce, 'nonce', 32)));
process.stdout.write(JSON.stringify({ evidences, result_code: 0, result_message: 'Ok' }, null, 4));
