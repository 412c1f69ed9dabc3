import { fuzzSamples } from './fuzz-samples.ts';

fuzzSamples(2, 120);
