// The names the console uses for the server's types. The shapes are generated from the server's OpenAPI (`npm run types`);
// only the discriminants of the stream are narrowed here, because a Rust `String` cannot carry a literal.
import type { components } from './schema';
import type { WorkFrame, WorkItem } from './work';

type S = components['schemas'];

export type Alarm = S['AlarmView'];
export type Actor = S['ActorView'];
export type Problem = S['Problem'];
export type Me = S['MeView'];
export type Status = S['StatusView'];
export type Site = S['SiteView'];
export type Enterprise = S['EnterpriseView'];
export type Team = S['TeamView'];
export type Tag = S['TagView'];
export type PendingTag = S['PendingTagView'];
export type Sources = S['Sources'];
export type Reading = S['ReadingView'];
export type HistoryPoint = S['HistoryPoint'];
export type AuditRow = S['AuditRowView'];
export type AuditHead = S['AuditHeadView'];
export type Rejection = S['RejectionView'];
export type Camera = S['CameraView'];
export type Cameras = S['CamerasView'];
export type Clip = S['ClipView'];
export type Recordings = S['RecordingsView'];
export type LiveTileState = S['LiveTileFrame'];

/** Words of the server's one table of who may do what. */
export type Permission =
  | 'alarm.acknowledge' | 'alarm.shelve' | 'alarm.shelve_urgent' | 'alarm.comment' | 'alarm.reset' | 'order.issue' | 'order.act' | 'watch.keep'
  | 'roster.manage' | 'ledger.write' | 'ledger.approve' | 'incident.report' | 'incident.command' | 'drill.run' | 'field.link' | 'attachment.write'
  | 'tag.service' | 'audit.read' | 'rules.reload' | 'accounts.manage' | 'site.read'
  | 'video.view' | 'video.export';

export type Hello = S['Hello'] & { type: 'hello' };
export type AlarmFrame = S['AlarmFrame'] & { type: 'alarm' };
/** `order` keeps the shape of the first contract for machines; the console reads `item`. */
export type OrderFrame = Omit<S['OrderFrame'], 'item'> & { type: 'order'; item: WorkItem };
export type NoticeFrame = Omit<S['NoticeFrame'], 'notice'> & {
  type: 'notice';
  notice: { kind: string } & Record<string, unknown>;
};
export type Heartbeat = S['Heartbeat'] & { type: 'heartbeat' };
export type ReadingsFrame = S['ReadingsFrame'] & { type: 'readings' };
export type SnapshotRequired = S['SnapshotRequired'] & { type: 'snapshot_required' };
export type ErrorFrame = Problem & { type: 'error' };

/** What was played in a drill: the frame as it would be if it were real, in a frame that nothing takes for one. */
export interface ExerciseFrame {
  readonly type: 'exercise';
  readonly seq: number;
  readonly frame: AlarmFrame | NoticeFrame;
  readonly committed_at?: number | null;
}

/** A fact of the hall's one stream: it has a number and becomes durable. */
export type Fact = AlarmFrame | OrderFrame | WorkFrame | ExerciseFrame | NoticeFrame;
export type Frame = Hello | Fact | Heartbeat | ReadingsFrame | SnapshotRequired | ErrorFrame;
export type ClientFrame = S['ClientFrame'];
