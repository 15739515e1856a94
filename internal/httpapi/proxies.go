package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Proxies are the servers in front of this one whose X-Forwarded-For, -Proto and -Host are
// believed.
type Proxies struct {
	networks []netip.Prefix
	unix     bool // whoever connects over the unix socket
}

// ParseProxies reads addresses and networks (10.0.0.5, 10.0.0.0/8, fd00::/8), and the word unix for
// whoever connects over a unix socket.
func ParseProxies(list []string) (Proxies, error) {
	var p Proxies
	for _, text := range list {
		text = strings.TrimSpace(text)
		if text == "unix" {
			p.unix = true
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return p, fmt.Errorf("%q is no address, such as 10.0.0.5, no network, such as 10.0.0.0/8, and not unix", text)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		p.networks = append(p.networks, network.Masked())
	}
	return p, nil
}

// None says that there are none.
func (p Proxies) None() bool { return len(p.networks) == 0 && !p.unix }

func (p Proxies) trusts(addr string) bool {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(p.networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// peer returns the address that the request came from, "unix" for a unix socket, and whether it is
// a trusted proxy's.
func (p Proxies) peer(r *http.Request) (addr string, trusted bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "unix", p.unix
	}
	return host, p.trusts(host)
}

// client returns the caller's address: the last one of X-Forwarded-For that is no proxy of ours,
// where a proxy of ours has sent it.
func (x *edge) client(r *http.Request) string {
	addr, trusted := x.Proxies.peer(r)
	if !trusted {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		if _, err := netip.ParseAddr(hop); err != nil {
			break // not known what it stands for: the one before it is the last that is certain
		}
		if addr = hop; !x.Proxies.trusts(hop) {
			break
		}
	}
	return addr
}

// A host with or without a port, as it may stand in a link.
var sane = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$`)

// address returns the route as the caller sees it: as the request reached this server, or as a
// trusted proxy says that it reached the proxy. PUBLIC_URL is for proxies that say nothing.
func (x *edge) address(r *http.Request) string {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if _, trusted := x.Proxies.peer(r); trusted {
		// The first one is what the caller has asked for.
		proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
		if proto = strings.ToLower(strings.TrimSpace(proto)); proto == "http" || proto == "https" {
			scheme = proto
		}
		forwarded, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Host"), ",")
		if forwarded = strings.TrimSpace(forwarded); sane.MatchString(forwarded) {
			host = forwarded
		}
	}
	return scheme + "://" + host + r.URL.EscapedPath()
}
