//! Headless Chromium, driven by chromedriver.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::Url;

/// Where the two programs are.
pub(crate) struct Programs {
    chromium: PathBuf,
    driver: PathBuf,
}

impl Programs {
    /// Finds them, or says loudly what is missing; fails if the environment demands them.
    pub(crate) fn find() -> Option<Self> {
        let both = in_path("chromium").zip(in_path("chromedriver"));
        if both.is_none() {
            let said = "\n*** SKIPPED: the browser test needs `chromium` and `chromedriver` (Debian: chromium, \
                        chromium-driver). Nothing was tested in a browser. ***\n\n";
            // Not by a macro: the harness would swallow it.
            let _ = std::io::stderr().write_all(said.as_bytes());
            let is_demanded = std::env::var_os("SESSILE_BROWSER").is_some();
            assert!(
                !is_demanded,
                "SESSILE_BROWSER is set and there is no browser"
            );
        }
        let (chromium, driver) = both?;
        Some(Self { chromium, driver })
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A running chromedriver; it ends with this value.
pub(crate) struct Driver {
    programs: Programs,
    child: Child,
    /// Kept open, so that it never writes into a closed pipe.
    _stdout: BufReader<ChildStdout>,
    address: String,
}

impl Driver {
    /// Starts it on a free port.
    pub(crate) fn start(programs: Programs) -> Self {
        let mut child = Command::new(&programs.driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            let bytes = stdout.read_line(&mut line).expect("chromedriver's words");
            assert!(bytes > 0, "chromedriver ended before it named its port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim().trim_end_matches('.').to_owned();
            }
        };
        Self {
            programs,
            child,
            _stdout: stdout,
            address: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Opens a browser that keeps what it knows in `profile`.
    pub(crate) async fn open(&self, profile: &Path) -> Browser {
        let options = json!({
            "binary": self.programs.chromium,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en",
                format!("--user-data-dir={}", profile.display()),
            ],
        });
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&self.address)
            .await
            .expect("a browser opens");
        Browser { client }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Its browsers would outlive it; asked, it ends them. After a failure some are still open.
        let host = self.address.trim_start_matches("http://");
        if let Ok(mut stream) = TcpStream::connect(host) {
            let request =
                format!("GET /shutdown HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.read_to_end(&mut Vec::new());
        }
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An open browser.
pub(crate) struct Browser {
    client: Client,
}

impl Browser {
    /// Ends it, as somebody who closes the window does.
    pub(crate) async fn close(self) {
        self.client.close().await.expect("the browser ends");
    }

    pub(crate) async fn go(&self, server: &str, path: &str) {
        let address = format!("{server}{}", path.trim_start_matches('/'));
        self.client.goto(&address).await.expect("the page loads");
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.expect("the page loads again");
    }

    /// The path of the page that is shown.
    pub(crate) async fn path(&self) -> String {
        let address = self.client.current_url().await.expect("an address");
        address.path().to_owned()
    }

    /// What somebody reads on the page.
    pub(crate) async fn text(&self) -> String {
        self.text_of("body").await.expect("a body")
    }

    /// What somebody reads in the first element that `css` finds.
    pub(crate) async fn text_of(&self, css: &str) -> Option<String> {
        let found = self.client.find_all(Locator::Css(css)).await.expect("css");
        let text = found.first()?.text().await;
        Some(text.expect("an element's text"))
    }

    pub(crate) async fn count(&self, css: &str) -> usize {
        let found = self.client.find_all(Locator::Css(css)).await;
        found.expect("css").len()
    }

    /// An attribute of the first element that `css` finds, read in one step: a page that loads itself
    /// again soon has another element.
    pub(crate) async fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let script = "return document.querySelector(arguments[0]).getAttribute(arguments[1])";
        for _ in 0..400 {
            // Between two pages there is nothing to run a script in, or no element yet.
            let names = vec![css.into(), name.into()];
            if let Ok(answer) = self.client.execute(script, names).await {
                return answer.as_str().map(str::to_owned);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{css}: no such element");
    }

    pub(crate) async fn write(&self, css: &str, text: &str) {
        let element = self.client.find(Locator::Css(css)).await.expect("a field");
        element.send_keys(text).await.expect("it can be written to");
    }

    /// Clicks the first element that `css` finds, and waits for the page behind it.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.client.find(Locator::Css(css)).await;
        let element = element.unwrap_or_else(|error| panic!("{css}: {error}"));
        self.script("window.isOld = true").await;
        element.click().await.expect("it can be clicked");
        let is_new = "return !window.isOld && document.readyState === 'complete'";
        for _ in 0..400 {
            // Between two pages there is nothing to run a script in.
            let answer = self.client.execute(is_new, Vec::new()).await;
            if answer.is_ok_and(|answer| answer == true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{css}: no page came after the click");
    }

    /// Runs a script, as one that was smuggled into the page could.
    pub(crate) async fn script(&self, script: &str) -> Value {
        let result = self.client.execute(script, Vec::new()).await;
        result.expect("the script runs")
    }

    /// All of a cookie, as the browser keeps it; `null` if there is none.
    pub(crate) async fn cookie(&self, name: &str) -> Value {
        let result = self.devtools("Network.getCookies", json!({})).await;
        let cookies = result["cookies"].as_array().expect("a list of cookies");
        let found = cookies.iter().find(|cookie| cookie["name"] == name);
        found.cloned().unwrap_or_default()
    }

    /// Saves pictures of the whole page: light and dark, wide and narrow.
    pub(crate) async fn picture(&self, folder: &Path, name: &str) {
        std::fs::create_dir_all(folder).expect("a folder for pictures");
        for (width, device) in [(1200, "desktop"), (390, "phone")] {
            let size = json!({
                "width": width, "height": 800, "deviceScaleFactor": 2, "mobile": device == "phone",
            });
            self.devtools("Emulation.setDeviceMetricsOverride", size)
                .await;
            for scheme in ["light", "dark"] {
                let media = json!({ "features": [
                    { "name": "prefers-color-scheme", "value": scheme },
                    // No picture of a colour halfway to another.
                    { "name": "prefers-reduced-motion", "value": "reduce" },
                ] });
                self.devtools("Emulation.setEmulatedMedia", media).await;
                let what = json!({ "format": "png", "captureBeyondViewport": true });
                let picture = self.devtools("Page.captureScreenshot", what).await;
                let png = BASE64.decode(picture["data"].as_str().expect("a picture"));
                let file = folder.join(format!("{name}-{device}-{scheme}.png"));
                std::fs::write(file, png.expect("base64")).expect("the picture is written");
            }
            let wide = "return document.documentElement.scrollWidth > window.innerWidth";
            assert_eq!(
                self.script(wide).await,
                false,
                "{name} scrolls sideways on a {device}"
            );
        }
        let nothing = json!({});
        self.devtools("Emulation.clearDeviceMetricsOverride", nothing)
            .await;
    }

    async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        let command = DevTools {
            command,
            parameters,
        };
        let result = self.client.issue_cmd(command).await;
        result.expect("chromium's developer tools answer")
    }
}

/// A command of Chromium's own protocol, which chromedriver passes on.
#[derive(Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let body = json!({ "cmd": self.command, "params": self.parameters });
        (http::Method::POST, Some(body.to_string()))
    }
}
