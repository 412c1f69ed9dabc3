/** The same cases under the sanitizers, which the short fuzzing of every run is under too. */
import { conform } from './conform.ts';

conform(['echo-cpp-sanitized']);
