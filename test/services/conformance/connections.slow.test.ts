/** 10,000 connections one after another: each is served, and nothing of it stays. */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openClient } from '#test/services/client.ts';
import { memoryOf, openFilesOf, type Service } from '#test/services/process.ts';
import { buildSample, type Sample, type Skipped, sampleNames } from './samples.ts';
import { ask, Stage, unixNow, within } from './stage.ts';

const count = 10_000;
/** Connections that come before memory and files are counted. */
const warm = 500;

async function serveOne(stage: Stage, service: Service, i: number): Promise<void> {
  const since = unixNow();
  const client = await openClient(service.port);
  client.socket.end(`line ${i}\n`);
  const answer = await client.line();
  expect(await client.rest()).toBe('');
  expect(client.endedWell()).toBe(true);
  if (i % 50 === 0) stage.checkAnswer(answer, ask(`line ${i}`), since);
  else expect(answer).toContain(`"request":"${btoa(`line ${i}`)}"`);
  client.socket.destroy();
}

describe.skipIf(process.platform !== 'linux').each(sampleNames)('%s', (name) => {
  let sample: Sample | Skipped;
  beforeAll(async () => {
    sample = await buildSample(name);
  });

  test('serves 10,000 connections, keeps no file and little memory', async ({ skip }) => {
    if ('skipped' in sample) return skip(sample.skipped);
    const stage = await Stage.open(sample);
    onTestFinished(() => stage.close());
    const service = await stage.start();
    const files = openFilesOf(service.pid);
    let memory = 0;
    for (let i = 0; i < count; i++) {
      if (i === warm) memory = memoryOf(service.pid).now;
      await within(10_000, `connection ${i}`, serveOne(stage, service, i));
    }
    await expect.poll(() => openFilesOf(service.pid)).toBe(files);
    expect(memoryOf(service.pid).most - memory).toBeLessThan(sample.memoryRoom);
    await stage.stop(service);
    expect(service.log().at(-1)).toMatchObject({ answered: count, connections: count });
  });
});
