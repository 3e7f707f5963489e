//! RTSP 1.0 messages (RFC 2326): requests are cut out of a byte stream, answers are written.

use std::fmt::Write as _;

/// A head longer than this is not an RTSP client's.
const HEAD_MAX: usize = 8 * 1024;
/// Bodies come with SET_PARAMETER and GET_PARAMETER only.
const BODY_MAX: usize = 4 * 1024;

/// What stands at the beginning of the bytes received so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A request and the bytes it took.
    Request(Request, usize),
    /// An interleaved frame of the client (its RTCP reports) and the bytes it took.
    Interleaved(usize),
    /// Not whole yet.
    Partial,
    /// Not RTSP.
    Garbage,
}

/// One request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub method: String,
    pub url: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// The value of a header; names compare without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The path of the URL without query, with one leading slash.
    pub fn path(&self) -> &str {
        let after = self.url.find("://").map_or(self.url.as_str(), |at| {
            let rest = &self.url[at + 3..];
            rest.find('/').map_or("", |slash| &rest[slash..])
        });
        after.split('?').next().unwrap_or_default()
    }

    fn parse(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, url, version) = (first.next()?, first.next()?, first.next()?);
        if !version.starts_with("RTSP/") || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
            return None;
        }
        let headers = lines.filter_map(|l| l.split_once(':')).map(|(n, v)| (n.trim().to_owned(), v.trim().to_owned()));
        Some(Self { method: method.to_owned(), url: url.to_owned(), headers: headers.collect() })
    }
}

/// Looks at what a client sent.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    match bytes.first() {
        None => return Parsed::Partial,
        Some(b'$') => return interleaved(bytes),
        Some(_) => {}
    }
    let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
        return if bytes.len() > HEAD_MAX { Parsed::Garbage } else { Parsed::Partial };
    };
    let Some(request) = std::str::from_utf8(&bytes[..end]).ok().and_then(Request::parse) else {
        return Parsed::Garbage;
    };
    let body = match request.header("content-length").map_or(Ok(0), str::parse::<usize>) {
        Ok(len) if len <= BODY_MAX => len,
        _ => return Parsed::Garbage,
    };
    let whole = end + 4 + body;
    if bytes.len() < whole { Parsed::Partial } else { Parsed::Request(request, whole) }
}

fn interleaved(bytes: &[u8]) -> Parsed {
    let [_, _, high, low, ..] = bytes else { return Parsed::Partial };
    let whole = 4 + usize::from(u16::from_be_bytes([*high, *low]));
    if bytes.len() < whole { Parsed::Partial } else { Parsed::Interleaved(whole) }
}

/// An answer in the making.
pub(super) struct Answer {
    text: String,
    body: String,
}

impl Answer {
    /// Status with the client's CSeq; RFC 2326 wants it in every answer.
    pub fn new(request: &Request, status: u16) -> Self {
        let mut text = format!("RTSP/1.0 {status} {}\r\n", reason(status));
        if let Some(cseq) = request.header("cseq") {
            let _ = write!(text, "CSeq: {cseq}\r\n");
        }
        Self { text, body: String::new() }
    }

    /// Adds a header.
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let _ = write!(self.text, "{name}: {value}\r\n");
        self
    }

    /// Sets the body with its type.
    pub fn body(mut self, kind: &str, body: String) -> Self {
        self.body = body;
        let len = self.body.len();
        self.with("Content-Type", kind).with("Content-Length", len)
    }

    /// The bytes to send.
    pub fn bytes(self) -> Vec<u8> {
        format!("{}\r\n{}", self.text, self.body).into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        454 => "Session Not Found",
        455 => "Method Not Valid in This State",
        459 => "Aggregate Operation Not Allowed",
        461 => "Unsupported Transport",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_cut_out_of_the_stream() {
        let bytes =
            b"SETUP rtsp://127.0.0.1:554/cam/a/main/track1?x=1 RTSP/1.0\r\nCSeq: 3\r\ntransport: RTP/AVP\r\n\r\n$rest";
        let Parsed::Request(request, used) = parse(bytes) else { panic!("no request") };
        assert_eq!((request.method.as_str(), request.path()), ("SETUP", "/cam/a/main/track1"));
        assert_eq!(request.header("Transport"), Some("RTP/AVP"));
        assert_eq!(&bytes[used..], b"$rest");
    }

    #[test]
    fn what_is_not_whole_waits_and_what_is_not_rtsp_is_said() {
        let table: [(&[u8], Parsed); 8] = [
            (b"", Parsed::Partial),
            (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n", Parsed::Partial),
            (b"$\x01\x00", Parsed::Partial),
            (b"$\x01\x00\x02ab", Parsed::Interleaved(6)),
            (b"GET / HTTP/1.1\r\n\r\n", Parsed::Garbage),
            (b"\xff\xfe\r\n\r\n", Parsed::Garbage),
            (b"OPTIONS * RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n", Parsed::Garbage),
            (b"OPTIONS * RTSP/1.0\r\nContent-Length: 3\r\n\r\nab", Parsed::Partial),
        ];
        for (bytes, want) in table {
            assert_eq!(parse(bytes), want, "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(parse(&vec![b'x'; HEAD_MAX + 1]), Parsed::Garbage);
    }
}
