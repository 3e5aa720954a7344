# AppArmor profile of sluiced. Put what your configuration adds, such as certificates elsewhere, into
# /etc/apparmor.d/local/usr.bin.sluiced.

abi <abi/3.0>,

include <tunables/global>

profile sluiced /usr/bin/sluiced {
  include <abstractions/base>
  include <abstractions/nameservice>
  include <abstractions/openssl>

  network inet stream,
  network inet6 stream,
  network unix stream,
  network unix dgram,

  /usr/bin/sluiced mr,

  # The configuration, principals and certificates.
  /etc/sluice/ r,
  /etc/sluice/** r,
  /etc/ssl/private/*.key r,
  /etc/ssl/private/*.pem r,
  @{run}/credentials/sluiced.service/ r,
  @{run}/credentials/sluiced.service/* r,

  # The sockets, and the number that is kept between runs.
  @{run}/sluice/ r,
  @{run}/sluice/** rw,
  /var/lib/sluice/ r,
  /var/lib/sluice/** rwk,

  # The service manager.
  @{run}/systemd/notify w,

  # What the daemon may use of the machine.
  @{PROC}/@{pid}/statm r,
  @{PROC}/@{pid}/cgroup r,
  @{PROC}/@{pid}/mountinfo r,
  @{PROC}/meminfo r,
  @{PROC}/sys/net/core/somaxconn r,
  @{sys}/fs/cgroup/** r,
  @{sys}/devices/system/cpu/ r,
  @{sys}/devices/system/cpu/** r,
  @{sys}/kernel/mm/transparent_hugepage/enabled r,

  # The certificate of --dev-tls.
  owner /tmp/sluice-tls-*/ rw,
  owner /tmp/sluice-tls-*/** rw,

  deny capability,

  include if exists <local/usr.bin.sluiced>
}
