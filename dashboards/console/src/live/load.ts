// One question to the server that a page asks, with its problem and whether it is under way.
import { type ShallowRef, shallowRef } from 'vue';
import type { Problem } from '../api/types';
import { problemOf } from './actions';

export interface Load {
  readonly problem: ShallowRef<Problem | null>;
  readonly working: ShallowRef<boolean>;
  readonly load: () => Promise<void>;
}

export function useLoad(job: () => Promise<void>): Load {
  const problem = shallowRef<Problem | null>(null);
  const working = shallowRef(false);
  async function load(): Promise<void> {
    working.value = true;
    try {
      await job();
      problem.value = null;
    } catch (error) {
      problem.value = problemOf(error);
    } finally {
      working.value = false;
    }
  }
  return { problem, working, load };
}
