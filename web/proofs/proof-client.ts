/** The page's end of the worker: one for each job. */
import type { AnswerTo, Asked, Job, Problem, Stage, Told } from './messages.ts';

export type StageTold = {
  readonly stage: Stage;
  /** Null while it goes on. */
  readonly milliseconds: number | null;
};

export class JobRefused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = 'JobRefused';
    this.problem = problem;
  }
}

export type Running<J extends Job> = {
  /** Rejects with JobRefused; never settles once it was cancelled. */
  readonly answer: Promise<AnswerTo<J>>;
  cancel(): void;
};

/** @param onStages told of every step so far, each time that one begins or ends */
export function start<J extends Job>(
  job: J,
  points: Blob | null,
  onStages: (stages: readonly StageTold[]) => void,
): Running<J> {
  const worker = new Worker(new URL('./proof-worker.ts', import.meta.url), { type: 'module' });
  let stages: readonly StageTold[] = [];
  const answer = new Promise<AnswerTo<J>>((resolve, reject) => {
    const refuse = (problem: Problem) => {
      worker.terminate();
      reject(new JobRefused(problem));
    };
    worker.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      switch (data.kind) {
        case 'began':
          stages = [...stages, { stage: data.stage, milliseconds: null }];
          return onStages(stages);
        case 'ended':
          stages = stages.with(-1, {
            stage: (stages.at(-1) as StageTold).stage,
            milliseconds: data.milliseconds,
          });
          return onStages(stages);
        case 'problem':
          return refuse(data.problem);
        case 'answer':
          worker.terminate();
          // The worker answers what it was asked.
          return resolve(data.answer as AnswerTo<J>);
      }
    });
    worker.addEventListener('error', (event) =>
      refuse({ code: 'fault', message: event.message, remedy: null }),
    );
  });
  const asked: Asked = { job, places: { page: pageAddress(), points } };
  worker.postMessage(asked);
  return { answer, cancel: () => worker.terminate() };
}

function pageAddress(): string {
  return location.href.replace(/#.*$/s, '');
}
