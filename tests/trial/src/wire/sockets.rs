//! The wire with real sockets: the functions' own HTTP clients on the one side, a port for each door
//! on the other. It shows that what is tried within the process is what happens between processes.

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::call::{Call, Door, Service};
use super::http1::{self, Request};
use super::{Outcome, Wire};
use crate::broken::Broken;

/// Open ports. They are closed when this is dropped.
pub struct Sockets {
    urls: Vec<String>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sockets {
    /// Opens a port for each door of the wire.
    pub async fn open(wire: &Wire) -> Result<Self, Broken> {
        let (mut urls, mut tasks) = (Vec::new(), Vec::new());
        for door in Door::ALL {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            urls.push(format!("http://{}", listener.local_addr()?));
            tasks.push(tokio::spawn(accept(listener, door, wire.clone())));
        }
        Ok(Self { urls, tasks })
    }

    /// Where the functions behind a door find both services.
    pub fn url(&self, door: Door) -> &str {
        self.urls.get(door.index()).map_or("", String::as_str)
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn accept(listener: TcpListener, door: Door, wire: Wire) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let wire = wire.clone();
        tokio::spawn(async move {
            // A client that goes away in the middle is what this is about.
            let _ = serve(stream, door, &wire).await;
        });
    }
}

async fn serve(mut stream: TcpStream, door: Door, wire: &Wire) -> std::io::Result<()> {
    let mut rest = Vec::new();
    while let Some(request) = http1::read(&mut stream, &mut rest).await? {
        match wire.shared.exchange(to_call(door, request)).await {
            Outcome::Answered(answer) => http1::write(&mut stream, &answer, true).await?,
            Outcome::Severed(answer) => return http1::write(&mut stream, &answer, false).await,
            Outcome::Lost => return Ok(()),
            Outcome::Hangs => {
                http1::wait_for_hangup(&mut stream).await;
                return Ok(());
            }
        }
    }
    Ok(())
}

fn to_call(door: Door, request: Request) -> Call {
    let is_dynamodb = request
        .headers
        .iter()
        .any(|(name, _)| name == "x-amz-target");
    Call {
        door,
        service: if is_dynamodb {
            Service::DynamoDb
        } else {
            Service::Stripe
        },
        method: request.method,
        path: request.path,
        headers: request.headers,
        body: request.body,
    }
}
