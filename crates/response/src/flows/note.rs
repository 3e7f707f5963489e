//! 值班日志: a line that a person writes. It is never changed; a correction is another line.

use crate::Kind;
use crate::flow::{By, FieldKind, FieldSpec, Flow, Receivers};

use super::{end, given, needed};

const TYPE: FieldKind = FieldKind::Choice(&[
    ("call", "来电", "telephone call"),
    ("document", "来文", "document"),
    ("warning", "预警接收", "warning received"),
    ("instruction", "领导批示", "instruction of a leader"),
    ("patrol", "巡屏", "screen patrol"),
    ("other", "其他", "other"),
]);

const FIELDS: &[FieldSpec] = &[
    needed("type", "类型", "type", TYPE),
    needed("text", "内容", "text", FieldKind::LongText),
    given("counterpart", "对方", "counterpart", FieldKind::Text),
    given("telephone", "电话", "telephone", FieldKind::Text),
    given("happened_at", "发生时间", "happened at", FieldKind::Time),
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::Note,
    zh: "值班记录",
    en: "duty note",
    initial: "written",
    created_by: By::Hall,
    receivers: Receivers::None,
    states: &[end("written", "已记录", "written")],
    actions: &[],
    fields: FIELDS,
    guards: &[],
    then: &[],
    many: None,
    deadlines: &[],
};
