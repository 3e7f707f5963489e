// One handling for every form of the work systems: what is held, what is missing, one key until it was carried out.
import { computed, type ComputedRef, type ShallowRef, shallowRef } from 'vue';
import { idempotencyKey } from '../api/client';
import type { Json } from '../api/work';
import type { Problem } from '../api/types';
import { problemOf } from '../live/actions';
import { type FormField, type Holding, missing, wireFields } from '../work/flow';

export interface FormOptions {
  /** All fields of the form, shown or folded away. */
  readonly fields: readonly FormField[];
  readonly holding: Holding;
  /** What else must be so. */
  readonly ready?: () => boolean;
  /** Carries it out; a press again after a refusal has the same key, so that nothing is done twice. */
  readonly send: (fields: Record<string, Json>, key: string) => Promise<void>;
  /** Somebody was first: told once, the next press is another command. */
  readonly conflict?: () => void;
}

export interface Form {
  readonly holding: ShallowRef<Holding>;
  readonly problem: ShallowRef<Problem | null>;
  readonly working: ShallowRef<boolean>;
  readonly complete: ComputedRef<boolean>;
  readonly submit: () => Promise<void>;
  /** The server refused one of these: they must not stay folded away. */
  readonly refuses: (fields: readonly FormField[]) => boolean;
}

export function useForm({ fields, holding: initial, ready, send, conflict }: FormOptions): Form {
  let key = idempotencyKey();
  const holding = shallowRef<Holding>(initial);
  const problem = shallowRef<Problem | null>(null);
  const working = shallowRef(false);
  const complete = computed(() => missing(fields, holding.value).length === 0 && (ready?.() ?? true));

  async function submit(): Promise<void> {
    if (working.value || !complete.value) return;
    working.value = true;
    try {
      await send(wireFields(fields, holding.value), key);
    } catch (error) {
      problem.value = problemOf(error);
      if (conflict && problem.value.code === 'VERSION_CONFLICT') (key = idempotencyKey()), conflict();
    } finally {
      working.value = false;
    }
  }
  const refuses = (of: readonly FormField[]): boolean => of.some((f) => f.spec.name === problem.value?.field);
  return { holding, problem, working, complete, submit, refuses };
}
