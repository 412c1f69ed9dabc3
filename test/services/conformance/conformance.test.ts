import { conform } from './conform.ts';

conform(['echo-node', 'echo-cpp', 'echo-rust']);
