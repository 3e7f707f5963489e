//! Alarms about the measuring system that no rule file names: a silent gateway, a wrong clock, a blind platform.
//! Their condition numbers lie far above those of the rules.

use model::{Priority, TagIndex};

use crate::emit::About;

/// A gateway from which nothing comes although its tags are due.
pub(crate) const SILENT: u32 = 0xF000_0000;
/// A gateway whose clock is wrong.
pub(crate) const CLOCK: u32 = 0xE000_0000;
/// Our own connection to a broker is down: the platform is blind. One number for all brokers.
pub(crate) const BLIND: u32 = 0xD000_0000;
/// Every gateway of more than one is silent.
pub(crate) const DARK: u32 = 0xC000_0000;
/// The journal's disk does not answer.
pub(crate) const JOURNAL: u32 = 0xB000_0000;
const NUMBER: u32 = 0x0FFF_FFFF;

/// What is shown for a diagnostic.
pub(crate) fn about(condition: u32) -> About {
    let number = condition & NUMBER;
    let (level, priority, zh, en) = match condition & !NUMBER {
        SILENT => ("stale", Priority::Diagnostic, "网关无数据", "no data from gateway"),
        CLOCK => ("clock_skew", Priority::Diagnostic, "网关时钟异常", "gateway clock is wrong"),
        DARK => ("platform", Priority::I, "全部网关无数据", "no data from any gateway"),
        JOURNAL => ("platform", Priority::I, "平台日志磁盘无响应", "the journal's disk does not answer"),
        _ => ("platform", Priority::I, "平台失明：与消息服务器的连接中断", "platform blind: broker link down"),
    };
    let (key, name) = match condition & !NUMBER {
        SILENT => (format!("hall/gateway-{number}/silent"), format!("gateway-{number}")),
        CLOCK => (format!("hall/gateway-{number}/clock"), format!("gateway-{number}")),
        DARK => ("hall/platform/dark".to_owned(), "platform".to_owned()),
        JOURNAL => ("hall/platform/journal".to_owned(), "platform".to_owned()),
        _ => (format!("hall/platform/blind-{number}"), "platform".to_owned()),
    };
    About {
        key: key.into(),
        tag: TagIndex(u32::MAX),
        enterprise: "hall".into(),
        tag_name: name.into(),
        unit: "".into(),
        priority,
        level: level.into(),
        limit: None,
        group: "hall".into(),
        class: "comms".into(),
        message_zh: zh.into(),
        message_en: en.into(),
    }
}
