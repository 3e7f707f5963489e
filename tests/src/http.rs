//! The API as a script sees it.

use serde_json::Value;

/// One caller of the API.
#[derive(Clone)]
pub struct Api {
    agent: ureq::Agent,
    base: String,
    header: (String, String),
}

/// Status and body.
pub type Answer = (u16, Value);

impl Api {
    /// With a bearer token.
    pub fn new(host: &str, token: &str) -> Self {
        Self::with(host, ("authorization", &format!("Bearer {token}")))
    }

    /// With one header of any kind: a cookie, or something harmless.
    pub fn with(host: &str, header: (&str, &str)) -> Self {
        // A connection each: a server may close one whose body it refused unread, just as the next request goes out.
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let config = config.max_idle_connections(0).build();
        Self {
            agent: config.into(),
            base: format!("http://{host}"),
            header: (header.0.to_owned(), header.1.to_owned()),
        }
    }

    /// Logs in with account and password.
    #[track_caller]
    pub fn log_in(host: &str, account: &str, password: &str) -> Self {
        let api = Self::with(host, ("x-test", "1"));
        let body = serde_json::json!({"account": account, "password": password});
        let answer = api.agent.post(format!("{}/api/v1/login", api.base)).send_json(&body).expect("an answer");
        assert_eq!(answer.status(), 200, "log in as {account}");
        let cookie = answer.headers()["set-cookie"].to_str().expect("a cookie").split(';').next().unwrap_or_default();
        Self::with(host, ("cookie", cookie))
    }

    /// Logs in by a one-time link.
    #[track_caller]
    pub fn by_link(link: &str) -> Self {
        let (host, path) = link.trim_start_matches("http://").split_once('/').expect("a link");
        let api = Self::with(host, ("x-test", "1"));
        let answer = api.agent.get(format!("{}/{path}", api.base)).call().expect("an answer");
        assert_eq!(answer.status(), 303, "{link}");
        let cookie = answer.headers()["set-cookie"].to_str().expect("a cookie").split(';').next().unwrap_or_default();
        Self::with(host, ("cookie", cookie))
    }

    /// What its header says: the cookie of who is logged in.
    pub fn header_value(&self) -> &str {
        &self.header.1
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        let request = self.agent.get(format!("{}{path}", self.base)).header(&self.header.0, &self.header.1);
        answer(request.call())
    }

    /// Where a GET is redirected to; empty: nowhere.
    #[track_caller]
    pub fn led_to(&self, path: &str) -> String {
        let request = self.agent.get(format!("{}{path}", self.base)).header(&self.header.0, &self.header.1);
        let response = request.call().expect("an answer");
        response.headers().get("location").and_then(|l| l.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// GET; none when there is no answer, because the hall is dead.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        let request = self.agent.get(format!("{}{path}", self.base)).header(&self.header.0, &self.header.1);
        try_answer(request.call().ok()?)
    }

    /// POST; none when there is no answer.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        let request = self.agent.post(format!("{}{path}", self.base)).header(&self.header.0, &self.header.1);
        try_answer(request.send_json(body).ok()?)
    }

    /// POST with a JSON body.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.base)).header(&self.header.0, &self.header.1);
        answer(request.send_json(body))
    }

    /// POST with one more header and any text.
    #[track_caller]
    pub fn post_text(&self, path: &str, header: (&str, &str), body: &str) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.base)).header(&self.header.0, &self.header.1);
        answer(request.header(header.0, header.1).header("content-type", "application/json").send(body))
    }

    /// POST with raw bytes as the body.
    #[track_caller]
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.base)).header(&self.header.0, &self.header.1);
        answer(request.header("content-type", "application/octet-stream").send(body))
    }

    /// DELETE.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        answer(self.agent.delete(format!("{}{path}", self.base)).header(&self.header.0, &self.header.1).call())
    }

    /// GET: status, headers by name, and the bytes.
    #[track_caller]
    pub fn get_raw(&self, path: &str) -> (u16, std::collections::BTreeMap<String, String>, Vec<u8>) {
        let request = self.agent.get(format!("{}{path}", self.base)).header(&self.header.0, &self.header.1);
        let mut response = request.call().expect("an answer");
        let pair = |(n, v): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (n.as_str().to_owned(), v.to_str().unwrap_or_default().to_owned())
        };
        let headers = response.headers().iter().map(pair).collect();
        (response.status().as_u16(), headers, response.body_mut().read_to_vec().expect("bytes"))
    }

    /// Follows a personal link of the field page; the caller it makes, or where it leads without one.
    ///
    /// # Errors
    /// Where it leads.
    pub fn enter(host: &str, path: &str) -> Result<Self, String> {
        let api = Self::with(host, ("x-test", "1"));
        let answer = api.agent.get(format!("{}{path}", api.base)).call().expect("an answer");
        let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
        match header("set-cookie").split(';').next() {
            Some(cookie) if !cookie.is_empty() => Ok(Self::with(host, ("cookie", cookie))),
            _ => Err(header("location").to_owned()),
        }
    }

    /// The value of a metric without labels, or with exactly these labels.
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        let url = format!("{}/metrics", self.base);
        let text = self.agent.get(url).call().expect("metrics").body_mut().read_to_string().expect("text");
        let line = text.lines().find(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        line.and_then(|l| l.rsplit(' ').next()).and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
    }

    /// The sum of a metric over all its labels.
    #[track_caller]
    pub fn metric_sum(&self, name: &str) -> f64 {
        let url = format!("{}/metrics", self.base);
        let text = self.agent.get(url).call().expect("metrics").body_mut().read_to_string().expect("text");
        let of = |l: &&str| l.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        text.lines().filter(of).filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Open alarms.
    #[track_caller]
    pub fn alarms(&self) -> Vec<Value> {
        self.get("/api/v1/alarms").1["alarms"].as_array().cloned().expect("alarms")
    }
}

#[track_caller]
fn answer(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    try_answer(result.expect("an answer")).expect("a body")
}

fn try_answer(mut response: ureq::http::Response<ureq::Body>) -> Option<Answer> {
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}
