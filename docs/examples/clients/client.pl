#!/usr/bin/env perl
# A client of Sluice in Perl, without modules from elsewhere: many operations at a time over one connection. It follows
# docs/writing-a-client.md. The second half is the adapter with which the conformance kit checks it:
#
#     python -m sluice.conformance client 'perl docs/examples/clients/client.pl'
use strict;
use warnings;

package SluiceClient;
use Errno;
use IO::Socket::INET;

# Connects. The caller calls `read_replies` when `socket` is readable, and `flush` when it is writable and there is output:
# a client that only writes while the server only writes waits for ever.
sub new {
    my ($class, $address) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => $address, Timeout => 10) or return;
    $socket->blocking(0);
    return bless {socket => $socket, input => '', output => '', pending => {}, last => 0}, $class;
}

# Sends a command, with a body for each announced length. `then` gets each of its replies: the words, and the body.
# Returns the tag.
sub ask {
    my ($self, $command, $bodies, $then) = @_;
    my $tag = ++$self->{last};
    if ($self->{lost}) { $then->(['DISCONNECTED'], ''); return $tag }
    $self->{pending}{$tag} = {then => $then, command => $command};
    $self->{output} .= "#$tag $command\n" . join '', map { "$_\n" } @$bodies;
    $self->flush;
    return $tag;
}

# Writes as much as the kernel takes. The loss of the connection is noticed when reading.
sub flush {
    my ($self) = @_;
    my $count = syswrite $self->{socket}, $self->{output};
    substr $self->{output}, 0, $count, '' if $count;
    $self->{output} = '' if !defined $count && !$!{EAGAIN} && !$!{EINTR};
}

sub cancel {
    my ($self, $tag) = @_;
    $self->ask("CANCEL #$tag", [], sub { }) if $self->{pending}{$tag};
}

# Reads what has come, and hands out the replies that are complete.
sub read_replies {
    my ($self) = @_;
    my $count = sysread $self->{socket}, $self->{input}, 65536, length $self->{input};
    return if !defined $count && ($!{EAGAIN} || $!{EINTR});
    return $self->lose('the server has closed the connection') if !$count;
    while (!$self->{lost} && $self->{input} =~ /\n/) {
        my $end = $-[0];
        my ($tag, $line) = substr($self->{input}, 0, $end) =~ /^(?:#(\S+) )?(.*)$/s;
        return $self->lose($line) if !defined $tag; # such as: ERR limit too many connections
        my @words = split / /, $line, -1;
        my $body = '';
        my $used = $end + 1;
        if ($words[0] eq 'MSG' || $words[0] eq 'DATA') {
            my $length = $words[$words[0] eq 'MSG' ? 2 : 1] // '';
            return $self->lose("'$length' is no length") if $length !~ /^(0|[1-9]\d{0,8})$/a || $length > 1 << 20;
            return if length $self->{input} < $used + $length + 1;
            $body = substr $self->{input}, $used, $length;
            $used += $length + 1;
            return $self->lose('no line end follows a body') if substr($self->{input}, $used - 1, 1) ne "\n";
        } elsif ($words[0] !~ /^(OK|TIMEOUT|CLOSED|POISONED|REJECTED|CANCELLED|MAYBE|ELSE|END|ERR)$/) {
            return $self->lose('a reply is unknown');
        }
        substr $self->{input}, 0, $used, '';
        my $operation = $self->{pending}{$tag} or return $self->lose('a reply belongs to nobody');
        my $is_part = $words[0] eq 'MSG' && $operation->{command} =~ /^RECV.* count=/;
        delete $self->{pending}{$tag} unless $is_part;
        $operation->{then}->(\@words, $body);
    }
    $self->lose('a line is too long') if !$self->{lost} && length $self->{input} > 2 << 20;
}

# Ends the connection: what is pending is in doubt.
sub lose {
    my ($self, $reason) = @_;
    $self->{lost} = $reason;
    close $self->{socket};
    my @pending = map { $self->{pending}{$_} } sort { $a <=> $b } keys %{$self->{pending}};
    $self->{pending} = {};
    $_->{then}->(['LOST', $reason], '') for @pending;
}

# The adapter

package main;
use IO::Select;

$| = 1;
$SIG{PIPE} = 'IGNORE';
my ($client, %tags, %dids);
my %outcomes = map { $_ => lc $_ } qw(TIMEOUT CLOSED POISONED REJECTED ELSE END DISCONNECTED);
print "ready concurrent cancel count lease call select barrier\n";

sub decoded { my ($word) = @_; $word =~ s/%(..)/chr hex $1/ge if defined $word; return $word // '' }
sub encoded { my ($body) = @_; $body =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge; return $body }

sub outcome {
    my ($verb, $words, $body) = @_;
    my ($word, @rest) = @$words;
    my ($arm) = map { /^arm=(\d+)$/ } @rest;
    my $prefix = $verb eq 'select' && defined $arm ? "arm $arm " : '';
    return "${prefix}ok" if $word eq 'OK' && $verb ne 'recv';
    return $prefix . 'message ' . encoded($body) if $word eq 'MSG' && $verb =~ /recv|select/;
    return 'answer ' . encoded($body) if $word eq 'DATA' && $verb eq 'call';
    return 'doubt' if $word eq 'MAYBE' || $word eq 'LOST';
    return 'error ' . ($rest[0] // 'none') if $word eq 'ERR';
    return @rest ? $rest[0] eq 'draining' ? 'draining' : 'withdrawn' : 'cancelled' if $word eq 'CANCELLED';
    return $outcomes{$word} // "broken $word";
}

sub perform {
    my ($number, $verb, @words) = @_;
    my @options;
    push @options, shift @words while @words && $words[0] =~ /=/;
    my $say = sub { my ($words, $body) = @_; print "$number ", outcome($verb, $words, $body), "\n" };
    if ($verb eq 'connect') {
        $client = SluiceClient->new($ENV{SLUICE_ADDRESS}) or return print "$number disconnected $!\n";
        return $client->ask('HELLO', [], sub {
            my ($words) = @_;
            my ($code) = "@$words" =~ /^LOST ERR (\S+)/;
            return print "$number ", $code ? "error $code" : 'disconnected', "\n" if $words->[0] eq 'LOST';
            return $say->(@_) if $words->[0] ne 'OK' || grep { $_ eq 'version=1' } @$words;
            print "$number broken the server has another version\n";
            $client->lose('the server has another version');
        });
    }
    return print "$number disconnected\n" if !$client;
    return $client->cancel($tags{$words[0]}) if $verb eq 'cancel';
    my ($command, @bodies) = join ' ', uc $verb, @options;
    if ($verb eq 'close') {
        $client->cancel($_) for keys %{$client->{pending}};
        $command = 'QUIT';
    } elsif ($verb eq 'select') {
        my @arms;
        for (split / \| /, join ' ', @words) {
            my ($word, $channel, $message) = split / /;
            push @bodies, decoded($message) if $word eq 'send';
            push @arms, $word eq 'send' ? 'send len=' . length($bodies[-1]) . " $channel" : $_;
        }
        $command .= ' ' . join ' | ', @arms;
    } elsif ($verb =~ /^(send|call|answer)$/) {
        push @bodies, decoded($words[1]);
        $command = 'ACK' if $verb eq 'answer';
        $command .= ' len=' . length($bodies[0]) . ' ' . ($verb eq 'answer' ? $dids{$words[0]} : $words[0]);
    } elsif ($verb =~ /^(ack|nack|touch|reject)$/) {
        $command .= " $dids{$words[0]}" . ($words[1] ? ' ' . decoded($words[1]) : '');
    } else {
        $command .= " $words[0]";
    }
    $tags{$number} = $client->ask($command, \@bodies, sub {
        my ($words) = @_;
        $dids{$number} = $1 if join(' ', @$words) =~ / did=(\S+)/;
        $say->(@_);
    });
}

my $instructions = '';
while (1) {
    my $is_connected = $client && !$client->{lost};
    my $reading = IO::Select->new(\*STDIN, $is_connected ? $client->{socket} : ());
    my $writing = IO::Select->new($is_connected && length $client->{output} ? $client->{socket} : ());
    my ($readable, $writable) = IO::Select->select($reading, $writing) or next;
    $client->flush if @$writable;
    for my $ready (@$readable) {
        if ($ready == \*STDIN) {
            exit if !sysread STDIN, $instructions, 65536, length $instructions;
            perform(split / /, $1) while $instructions =~ s/^(.*)\n//;
        } elsif (!$client->{lost}) {
            $client->read_replies;
        }
    }
}
