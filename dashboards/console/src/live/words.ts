// Words for things of any kind: an alarm's state comes from the dictionary, an item's from its flow.
import { type Kind, KINDS, type OpenLoop } from '../api/work';
import { word } from '../i18n';
import { stateLabel } from './work';

const isKind = (kind: string): kind is Kind => KINDS.some((k) => k === kind);

export const loopState = (loop: Pick<OpenLoop, 'kind' | 'state'>): string => (isKind(loop.kind) ? stateLabel(loop.kind, loop.state) : word('state', loop.state));
