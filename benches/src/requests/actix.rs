//! Lanes of actix services, through actix's own test service.

use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::body::BoxBody;
use actix_web::cookie::Key;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, web};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use super::lanes::runtime;
use super::{Deed, Lane, Meter, NAME, NAMES, Served, cookie_line, next_number, shared};

/// A service per deed, and what is left of their types.
struct ActixLane<S> {
    name: &'static str,
    bare: &'static str,
    runtime: Runtime,
    tasks: LocalSet,
    services: Vec<S>,
}

/// Actix's services with the cookie store, or without sessions.
pub(super) fn actix_lane(
    name: &'static str,
    bare: &'static str,
    with_sessions: bool,
) -> Box<dyn Lane> {
    let (runtime, tasks) = (runtime(), LocalSet::new());
    if with_sessions {
        let key = Key::generate();
        let services = tasks.block_on(&runtime, async {
            let mut services = Vec::new();
            for deed in Deed::ALL {
                let sessions = SessionMiddleware::new(CookieSessionStore::default(), key.clone());
                let handler = web::to(move |session: LateSession| act(deed, session));
                let app = App::new().wrap(sessions).default_service(handler);
                services.push(init_service(app).await);
            }
            services
        });
        return Box::new(ActixLane {
            name,
            bare,
            runtime,
            tasks,
            services,
        });
    }
    let services = tasks.block_on(&runtime, async {
        let mut services = Vec::new();
        for _ in Deed::ALL {
            let app = App::new().default_service(web::to(HttpResponse::Ok));
            services.push(init_service(app).await);
        }
        services
    });
    Box::new(ActixLane {
        name,
        bare,
        runtime,
        tasks,
        services,
    })
}

/// The way to the session, which costs nothing unless it is gone.
type LateSession = actix_web::HttpRequest;

async fn act(deed: Deed, request: LateSession) -> HttpResponse {
    use actix_session::SessionExt as _;
    if deed == Deed::Untouched {
        return HttpResponse::Ok().finish();
    }
    let session: Session = request.get_session();
    let set = |name: &str| {
        let set = session.insert(name, next_number());
        set.expect("a number fits");
    };
    match deed {
        Deed::Fill => NAMES.into_iter().for_each(set),
        Deed::Untouched => {}
        Deed::Read => match session.get::<u64>(NAME) {
            Ok(Some(_)) => {}
            _ => return HttpResponse::NotFound().finish(),
        },
        Deed::Write => set(NAME),
        Deed::Login => {
            set("user");
            session.renew();
        }
        Deed::Logout => session.purge(),
    }
    HttpResponse::Ok().finish()
}

impl<S> Lane for ActixLane<S>
where
    S: Service<actix_http::Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn bare(&self) -> &'static str {
        self.bare
    }

    fn forgets(&self) -> bool {
        // The session is in the cookie, and nobody remembers which ones have ended.
        false
    }

    fn serve(&mut self, deed: Deed, lines: &[String], meter: Meter) -> Served {
        let service = &self.services[deed as usize];
        let lines: Vec<HeaderValue> = lines
            .iter()
            .map(|line| HeaderValue::from_maybe_shared(shared(line)))
            .map(|line| line.expect("a cookie line is a header value"))
            .collect();
        let mut kept: Vec<HeaderMap> = Vec::with_capacity(lines.len());
        let mut served = self.tasks.block_on(&self.runtime, async {
            let running = meter.start();
            let mut refused = 0;
            for line in &lines {
                let request = TestRequest::default().insert_header((COOKIE, line.clone()));
                let response = service.call(request.to_request()).await;
                let mut response = response.expect("no handler fails");
                refused += usize::from(response.status() != actix_web::http::StatusCode::OK);
                if deed.gives_cookie() {
                    kept.push(std::mem::take(response.headers_mut()));
                }
            }
            Served {
                refused,
                ..running.stop()
            }
        });
        served.cookies = kept
            .iter()
            .map(|headers| {
                let lines = headers.get_all(SET_COOKIE);
                cookie_line(lines.filter_map(|line| line.to_str().ok()))
            })
            .collect();
        served
    }
}
