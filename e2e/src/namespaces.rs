//! A network of its own for each process: network namespaces, joined by one bridge. Needs root, `ip`, and a kernel with
//! bridges and pairs of virtual interfaces.

use anyhow::{Context, Result, bail, ensure};
use std::process::Command;

/// Network namespaces. Dropping them removes them.
pub struct Namespaces {
    /// What all names start with; an interface's name has at most 15 bytes.
    tag: String,
    /// The first three numbers of every address, of a block that is set aside for tests of networks (RFC 2544).
    prefix: String,
    hosts: Vec<String>,
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for host in &self.hosts {
            // The interfaces go with their namespace.
            let _ = ip(&["netns", "delete", &self.namespace(host)]);
        }
        let _ = ip(&["link", "delete", &self.bridge()]);
    }
}

impl Namespaces {
    /// One namespace for each host (a short name), all on one bridge with this process; or why this machine cannot.
    ///
    /// # Errors
    /// Why not. A test that goes on without them must say so.
    pub fn new(hosts: Vec<String>) -> Result<Self> {
        ensure!(rustix::process::geteuid().is_root(), "only root may make network namespaces");
        let id = std::process::id();
        // With the low bits of the process id two runs at once hardly ever meet; if they do, making the bridge fails.
        let new = Self { tag: format!("q{:x}", id & 0xffff), prefix: format!("198.18.{}", id & 0xff), hosts };
        new.make()?;
        Ok(new)
    }

    fn make(&self) -> Result<()> {
        let bridge = self.bridge();
        ip(&["link", "add", &bridge, "type", "bridge"])?;
        ip(&["address", "add", &format!("{}.254/24", self.prefix), "dev", &bridge])?;
        ip(&["link", "set", &bridge, "up"])?;
        for host in &self.hosts {
            let (inside, outside) = (self.namespace(host), self.interface(host));
            ip(&["netns", "add", &inside])?;
            ip(&["link", "add", &outside, "type", "veth", "peer", "name", "eth0", "netns", &inside])?;
            ip(&["link", "set", &outside, "master", &bridge, "up"])?;
            let address = format!("{}/24", self.address(host)?);
            ip(&["-netns", &inside, "address", "add", &address, "dev", "eth0"])?;
            ip(&["-netns", &inside, "link", "set", "eth0", "up"])?;
            ip(&["-netns", &inside, "link", "set", "lo", "up"])?;
        }
        Ok(())
    }

    fn bridge(&self) -> String {
        format!("{}br", self.tag)
    }

    fn namespace(&self, host: &str) -> String {
        format!("{}-{host}", self.tag)
    }

    fn interface(&self, host: &str) -> String {
        let at = self.hosts.iter().position(|known| known == host).unwrap_or_default();
        format!("{}v{at}", self.tag)
    }

    /// A host's address.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn address(&self, host: &str) -> Result<String> {
        let at = self.hosts.iter().position(|known| known == host).context("no such host")?;
        Ok(format!("{}.{}", self.prefix, at + 1))
    }

    /// A command that runs a program at a host.
    pub fn command(&self, host: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(host)]);
        command
    }

    /// Pulls a host's cable.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn cut(&self, host: &str) -> Result<()> {
        ip(&["link", "set", &self.interface(host), "down"])
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn mend(&self, host: &str) -> Result<()> {
        ip(&["link", "set", &self.interface(host), "up"])
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).output().context("ip (Debian package iproute2)")?;
    if !output.status.success() {
        bail!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
