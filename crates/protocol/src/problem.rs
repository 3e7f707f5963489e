//! The one error shape of every door, and the table of codes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong and what to do about it, in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable code.
    pub code: String,
    /// What happened, Chinese.
    pub message_zh: String,
    /// What happened, English.
    pub message_en: String,
    /// The field or tag it is about, or empty.
    pub field: String,
    /// What to do.
    pub hint: String,
    /// Finds the log lines of this request.
    pub trace_id: String,
}

/// One row of the table: code, HTTP status, texts and hint.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Stable code.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
    /// What to do.
    pub hint: &'static str,
}

const CODES: &[Code] = &[
    Code {
        code: "LOGIN_REQUIRED",
        status: 401,
        zh: "请先登录",
        en: "log in first",
        hint: "POST /api/v1/login, or send Authorization: Bearer <token>",
    },
    Code {
        code: "LOGIN_FAILED",
        status: 401,
        zh: "账号或口令不正确",
        en: "account or password is wrong",
        hint: "after 5 failures the account waits; ask the administrator for a new password",
    },
    Code {
        code: "LOGIN_BUSY",
        status: 429,
        zh: "登录尝试过多，请稍后再试",
        en: "too many log-in attempts",
        hint: "wait for the seconds in Retry-After",
    },
    Code {
        code: "ORIGIN_DENIED",
        status: 403,
        zh: "不允许的来源页面",
        en: "this Origin is not allowed",
        hint: "open the console from its own address, or add the origin to http.origins",
    },
    Code {
        code: "FORBIDDEN",
        status: 403,
        zh: "当前角色无权执行此操作",
        en: "your role may not do this",
        hint: "ask the shift lead",
    },
    Code {
        code: "NOT_FOUND", status: 404, zh: "没有这个对象", en: "there is no such thing", hint: "check the id"
    },
    Code {
        code: "NOT_RECORDED",
        status: 404,
        zh: "这段时间没有录像",
        en: "nothing was recorded in this time",
        hint: "GET /api/v1/cameras/{id}/recordings says why",
    },
    Code {
        code: "NO_PICTURE",
        status: 503,
        zh: "摄像机当前没有画面",
        en: "there is no picture of this camera now",
        hint: "see its state in GET /api/v1/cameras",
    },
    Code {
        code: "TICKET_INVALID",
        status: 403,
        zh: "观看票据无效或已过期",
        en: "the ticket is used, expired or another's",
        hint: "POST /api/v1/video/tickets gives a new one",
    },
    Code {
        code: "TICKET_REQUIRED",
        status: 403,
        zh: "没有观看此摄像机的票据",
        en: "no ticket for this camera",
        hint: "POST /api/v1/video/tickets, then send it as {\"type\":\"ticket\"}",
    },
    Code {
        code: "VIDEO_DISK",
        status: 503,
        zh: "录像磁盘无法读写",
        en: "the disk of the recordings cannot be read or written",
        hint: "see GET /api/v1/cameras and the log",
    },
    Code {
        code: "ALARM_STATE",
        status: 409,
        zh: "报警当前状态不允许此操作",
        en: "the alarm's state does not allow this",
        hint: "reload the alarm and look at its state",
    },
    Code {
        code: "WORK_STATE",
        status: 409,
        zh: "当前状态不允许此操作",
        en: "its state does not allow this",
        hint: "reload it and look at what is possible",
    },
    Code {
        code: "SECOND_PERSON",
        status: 409,
        zh: "此操作须由另一人完成",
        en: "another person must do this",
        hint: "ask a colleague: nobody checks his own work",
    },
    Code {
        code: "ITEMS_OPEN",
        status: 409,
        zh: "还有未了事项",
        en: "something is still open",
        hint: "settle or reassign each of the items named",
    },
    Code {
        code: "OUTSIDE_COMMAND_CHAIN",
        status: 422,
        zh: "接收方不在本厅指挥链内",
        en: "the receiver does not answer to this hall",
        hint: "see the parties under this hall in GET /api/v1/parties",
    },
    Code {
        code: "VERSION_CONFLICT",
        status: 409,
        zh: "对象已变化",
        en: "it has changed since you looked",
        hint: "reload and decide again",
    },
    Code {
        code: "FIELD_REQUIRED",
        status: 422,
        zh: "缺少必填项",
        en: "a required field is empty",
        hint: "fill in the field",
    },
    Code {
        code: "FIELD_INVALID",
        status: 422,
        zh: "字段取值不正确",
        en: "a field has a wrong value",
        hint: "see the field's description in /api/v1/openapi.json",
    },
    Code {
        code: "BODY_INVALID",
        status: 400,
        zh: "请求内容不是所需的 JSON",
        en: "the body is not the JSON this call takes",
        hint: "see /api/v1/openapi.json",
    },
    Code {
        code: "BODY_TOO_LARGE",
        status: 413,
        zh: "请求内容过大",
        en: "the body is too large",
        hint: "at most 64 KiB",
    },
    Code {
        code: "SEQ_FUTURE",
        status: 400,
        zh: "请求的序号尚未产生",
        en: "this sequence number does not exist yet",
        hint: "connect without since, or reload the open alarms",
    },
    Code {
        code: "FRAME_INVALID",
        status: 400,
        zh: "无法识别的指令帧",
        en: "the frame is not a command of the stream",
        hint: "subscribe, sound or receipt; see /api/v1/openapi.json",
    },
    Code {
        code: "TAG_UNKNOWN",
        status: 404,
        zh: "没有这个测点",
        en: "there is no such tag",
        hint: "see GET /api/v1/tags and the pending list",
    },
    Code {
        code: "JOURNAL_FAILED",
        status: 503,
        zh: "日志无法写入，操作未生效",
        en: "the journal cannot be written; nothing was done",
        hint: "see /readyz and the disk",
    },
    Code {
        code: "STOPPING",
        status: 503,
        zh: "系统正在停止",
        en: "the hall is stopping",
        hint: "try again in a few seconds",
    },
    Code { code: "BUSY", status: 503, zh: "系统繁忙，请稍后重试", en: "the hall is busy", hint: "try again" },
    Code {
        code: "RULES_INVALID",
        status: 422,
        zh: "规则文件有误，仍使用原规则",
        en: "the rule files have problems; the old rules stay in force",
        hint: "fenghuo check prints every problem",
    },
    Code {
        code: "ATTACHMENT_TOO_LARGE",
        status: 413,
        zh: "附件过大",
        en: "the attachment is too large",
        hint: "at most 10 MiB; send a smaller photo",
    },
    Code {
        code: "ATTACHMENT_TYPE",
        status: 415,
        zh: "附件类型不受支持",
        en: "this type of attachment is not kept",
        hint: "JPEG, PNG, WebP, PDF or plain UTF-8 text, whatever the name says",
    },
    Code {
        code: "ATTACHMENT_NAME",
        status: 422,
        zh: "附件名称不可用",
        en: "the attachment's name cannot be used",
        hint: "1 to 120 characters without / \\ : .. or control characters",
    },
    Code {
        code: "LAST_ADMINISTRATOR",
        status: 409,
        zh: "至少须保留一名可用的管理员",
        en: "at least one administrator must remain",
        hint: "make another administrator first",
    },
    Code {
        code: "INTERNAL",
        status: 500,
        zh: "内部错误",
        en: "internal error",
        hint: "give the trace id to the administrator",
    },
];

/// The row of a code; an unknown code is an internal error.
pub fn code(name: &str) -> Code {
    let internal = CODES[CODES.len() - 1];
    CODES.iter().find(|c| c.code == name).copied().unwrap_or(internal)
}

impl Problem {
    /// The problem of a code, about a field.
    pub fn new(name: &str, field: &str) -> Self {
        let row = code(name);
        Self {
            code: row.code.into(),
            message_zh: row.zh.into(),
            message_en: row.en.into(),
            field: field.into(),
            hint: row.hint.into(),
            trace_id: String::new(),
        }
    }

    /// Adds what exactly is wrong to both texts.
    #[must_use]
    pub fn detail(mut self, zh: &str, en: &str) -> Self {
        self.message_zh = format!("{}：{zh}", self.message_zh);
        self.message_en = format!("{}: {en}", self.message_en);
        self
    }

    /// Its HTTP status.
    pub fn status(&self) -> u16 {
        code(&self.code).status
    }
}

impl From<engine::Refusal> for Problem {
    fn from(refusal: engine::Refusal) -> Self {
        use engine::Refusal as R;
        match &refusal {
            R::NotFound { id, .. } => Self::new("NOT_FOUND", id),
            R::AlarmState { alarm, state, by, since } => {
                let ((zh, en), at) = (state_words(*state), model::format_rfc3339(*since));
                Self::new("ALARM_STATE", &alarm.to_string())
                    .detail(&format!("现为“{zh}”，{by} 于 {at} 操作"), &format!("it is {en} since {by} at {at}"))
            }
            R::VersionConflict { id, seen, current, by } => Self::new("VERSION_CONFLICT", id).detail(
                &format!("{by} 在您之后操作（您看到 {seen}，现为 {current}）"),
                &format!("changed by {by}; you saw {seen}, it is {current}"),
            ),
            R::SecondPerson { id, account } => Self::new("SECOND_PERSON", id).detail(account, account),
            R::FieldRequired { field } => Self::new("FIELD_REQUIRED", field).detail(field, field),
            R::FieldInvalid { field, problem } => Self::new("FIELD_INVALID", field).detail(problem, problem),
            R::Work(work) => work_problem(work),
        }
    }
}

fn work_problem(refusal: &response::WorkRefusal) -> Problem {
    use response::WorkRefusal as W;
    let new = Problem::new;
    match refusal {
        W::NotFound { id, .. } => new("NOT_FOUND", id),
        W::VersionConflict { id, seen, current, by, at } => {
            let at = model::format_rfc3339(*at);
            new("VERSION_CONFLICT", id).detail(
                &format!("{by} 于 {at} 在您之后操作（您看到 {seen}，现为 {current}）"),
                &format!("changed by {by} at {at}; you saw {seen}, it is {current}"),
            )
        }
        W::State { item, .. } => {
            new("WORK_STATE", &item.to_string()).detail(&refusal.to_string(), &refusal.to_string())
        }
        W::FieldRequired(field) => new("FIELD_REQUIRED", field).detail(field, field),
        W::FieldInvalid { field, problem } => new("FIELD_INVALID", field).detail(problem, problem),
        W::OutsideCommandChain { receiver } => new("OUTSIDE_COMMAND_CHAIN", receiver).detail(receiver, receiver),
        W::SecondPerson { item, account } => new("SECOND_PERSON", item).detail(account, account),
        W::ItemsOpen { items } => new("ITEMS_OPEN", "items").detail(&items.join("、"), &items.join(", ")),
    }
}

/// ISA-18.2 states as people read them.
const fn state_words(state: alarm::State) -> (&'static str, &'static str) {
    use alarm::State as S;
    match state {
        S::Normal => ("正常", "normal"),
        S::Unacknowledged => ("未确认", "unacknowledged"),
        S::Acknowledged => ("已确认", "acknowledged"),
        S::ReturnedUnacknowledged => ("已恢复未确认", "returned, not acknowledged"),
        S::Latched => ("已锁存", "latched"),
        S::Shelved => ("已搁置", "shelved"),
        S::SuppressedByDesign => ("按设计抑制", "suppressed by design"),
        S::OutOfService => ("停用", "out of service"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_complete_and_unique() {
        let mut seen = std::collections::HashSet::new();
        for c in CODES {
            assert!(seen.insert(c.code), "{} twice", c.code);
            assert!(!c.zh.is_empty() && !c.en.is_empty() && !c.hint.is_empty(), "{}", c.code);
            assert!(!c.zh.is_ascii(), "{} has no Chinese text", c.code);
        }
    }
}
