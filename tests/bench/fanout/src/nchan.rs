//! Nchan, as Debian ships it: one worker, nothing logged, a short buffer.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::gateway::wait_for_port;
use crate::subscriber::Door;
use crate::{Server, gateway};

const BINARY: &str = "/usr/sbin/nginx";
const MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// Whether it can be started.
pub fn is_installed() -> bool {
    Path::new(BINARY).exists() && Path::new(MODULE).exists()
}

/// A running server; it ends with this.
pub struct Nchan {
    port: u16,
    worker: u32,
    _child: Child,
    _home: TempDir,
}

impl Nchan {
    /// Starts it on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let port = gateway::free_port()?;
        std::fs::write(home.path().join("nginx.conf"), settings(home.path(), port))?;
        let child = Command::new(BINARY)
            .arg("-c")
            .arg(home.path().join("nginx.conf"))
            .arg("-p")
            .arg(home.path())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start nginx")?;
        wait_for_port(port).await?;
        // Without a master process the one that was started is the worker.
        let worker = child.id().context("nginx has ended")?;
        Ok(Self { port, worker, _child: child, _home: home })
    }
}

impl Server for Nchan {
    fn name(&self) -> &'static str {
        "Nchan"
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.worker]
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn publication(&self, time_ns: u64) -> Vec<u8> {
        // What the gateway makes of a publication, so that both deliver as much.
        let envelope = format!(
            r#"{{"v":1,"event":"feed.item","channel":"bench:feed","seq":1000,"ts":1763900000000,"ok":true,"errorCode":null,"data":{}}}"#,
            gateway::data(time_ns)
        );
        format!(
            "POST /pub?id=feed HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{envelope}",
            envelope.len()
        )
        .into_bytes()
    }

    fn subscription(&self, door: Door, _: usize) -> Vec<u8> {
        gateway::opening("/sub?id=feed", door, "")
    }

    fn greeting(&self, _: Door) -> Option<String> {
        None
    }
}

fn settings(home: &Path, port: u16) -> String {
    let home = home.display();
    format!(
        "load_module {MODULE};
daemon off;
master_process off;
worker_processes 1;
pid {home}/pid;
error_log /dev/null crit;
worker_rlimit_nofile 20000;
events {{ worker_connections 12000; }}
http {{
  access_log off;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  keepalive_requests 1000000;
  tcp_nodelay on;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location /pub {{
      nchan_publisher;
      nchan_channel_id $arg_id;
      nchan_message_buffer_length 256;
      nchan_message_timeout 120s;
    }}
    location /sub {{
      nchan_subscriber eventsource websocket;
      nchan_channel_id $arg_id;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"
    )
}
