// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HandleWord} from "../patients/HandleWord.sol";
import {Acts} from "../test/Acts.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Grant, Objection, Revocation, Withdrawal} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord} from "./ConsentWord.sol";

/// @dev Signs and sends acts in any order, keeps every one, sends old ones again, and forges some. Remembers what the
/// patient really signed, for the invariants to compare with.
contract ConsentActor is Acts {
    Grant[] private _grants;
    Revocation[] private _revocations;

    /// @dev What the patient signed as grants; there may be several of one version, of which one at most lands.
    mapping(bytes32 scope => mapping(uint24 version => mapping(uint160 terms => bool))) public signed;
    /// @dev Everything of a slot up to here, inclusive, has been revoked or objected to by an act that landed.
    mapping(bytes32 scope => uint24) public endedUpTo;
    mapping(bytes32 scope => bool) public ended;
    /// @dev Slots that hold an objection that no act of the patient has ended.
    mapping(bytes32 scope => bool) public objected;

    bool public versionFell;
    bool public epochFell;
    bool public widenedWhileLocked;

    /// @dev Once: the fuzzer calls it, too.
    function setUp() public override {
        if (address(consents) == address(0)) super.setUp();
    }

    function slot(uint256 index) public pure returns (bytes32) {
        return keccak256(abi.encode("slot", index % 3));
    }

    function wordOf(uint256 index) external view returns (ConsentWord) {
        return consents.wordOf(HANDLE, slot(index));
    }

    function grant(uint256 index, uint256 salt) external {
        Grant memory g = nextGrant(HANDLE, slot(index));
        g.deadline = type(uint64).max;
        g.terms = keccak256(abi.encode(salt));
        signed[g.scope][g.version][uint160(uint256(g.terms))] = true;
        _grants.push(g);
        // Some are sent at once, some lie about and are sent later, or never.
        if (salt % 3 != 0) _send(g, PATIENT_KEY, PATIENT_KEY);
    }

    function forgeGrant(uint256 index, uint256 salt) external {
        Grant memory g = nextGrant(HANDLE, slot(index));
        g.terms = keccak256(abi.encode("forged", salt));
        // In the stranger's own name, or in the patient's.
        _send(g, salt % 2 == 0 ? STRANGER_KEY : PATIENT_KEY, STRANGER_KEY);
    }

    function replayGrant(uint256 which) external {
        if (_grants.length != 0) _send(_grants[which % _grants.length], PATIENT_KEY, PATIENT_KEY);
    }

    function revoke(uint256 index, uint8 ahead) external {
        bytes32 scope = slot(index);
        Revocation memory r = Revocation(HANDLE, scope, consents.wordOf(HANDLE, scope).versionOf() + (ahead % 3));
        _revocations.push(r);
        _send(r);
    }

    function replayRevocation(uint256 which) external {
        if (_revocations.length != 0) _send(_revocations[which % _revocations.length]);
    }

    function object(uint256 index, uint8 behind) external {
        bytes32 scope = slot(index);
        uint24 version = consents.wordOf(HANDLE, scope).versionOf();
        uint24 upTo = version > behind % 3 ? version - (behind % 3) : version;
        send(Objection(HANDLE, scope, TERMS, upTo));
        if (upTo >= version) objected[scope] = true;
        _noteEnd(scope, version, upTo);
    }

    function withdraw(uint256 index) external {
        Withdrawal memory w = nextWithdrawal(HANDLE, slot(index));
        (bool locked, uint24 before) = _before(w.scope);
        bytes memory signature = sign(PATIENT_KEY, withdrawalDigest(w));
        try consents.withdrawObjection(w, signerOf(PATIENT_KEY), signature) {
            objected[w.scope] = false;
            _noteWidening(w.scope, locked, before);
        } catch {}
    }

    function lock(uint8 behind) external {
        uint32 epoch = epochOf(HANDLE);
        lockHandle(HANDLE, epoch > behind % 3 ? epoch - (behind % 3) : epoch);
        if (epochOf(HANDLE) < epoch) epochFell = true;
    }

    function unlock() external {
        uint32 epoch = epochOf(HANDLE);
        bytes memory signature = sign(PATIENT_KEY, unlockDigest(HANDLE, epoch, DEADLINE));
        try patients.unlock(HANDLE, epoch, DEADLINE, signerOf(PATIENT_KEY), signature) {} catch {}
        if (epochOf(HANDLE) < epoch) epochFell = true;
    }

    function _send(Grant memory g, uint256 named, uint256 key) private {
        (bool locked, uint24 before) = _before(g.scope);
        bytes memory signature = sign(key, grantDigest(g));
        try consents.grant(g, signerOf(named), signature) {
            objected[g.scope] = false;
            _noteWidening(g.scope, locked, before);
        } catch {}
    }

    /// @dev Never in `try`: a revocation always lands.
    function _send(Revocation memory r) private {
        uint24 before = consents.wordOf(HANDLE, r.scope).versionOf();
        send(r);
        _noteEnd(r.scope, before, r.upToVersion);
    }

    function _before(bytes32 scope) private view returns (bool locked, uint24 version) {
        (, HandleWord word) = patients.handleState(HANDLE);
        return (word.isLocked(), consents.wordOf(HANDLE, scope).versionOf());
    }

    function _noteWidening(bytes32 scope, bool locked, uint24 before) private {
        if (locked) widenedWhileLocked = true;
        if (consents.wordOf(HANDLE, scope).versionOf() <= before) versionFell = true;
    }

    function _noteEnd(bytes32 scope, uint24 before, uint24 upTo) private {
        if (consents.wordOf(HANDLE, scope).versionOf() < before) versionFell = true;
        if (upTo >= before) {
            endedUpTo[scope] = upTo;
            ended[scope] = true;
        }
    }
}

contract ConsentInvariantsTest {
    ConsentActor private _actor;

    function setUp() public {
        _actor = new ConsentActor();
        _actor.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    function invariant_versionsAndEpochsOnlyRise() external view {
        vm.assertTrue(!_actor.versionFell(), "a version fell");
        vm.assertTrue(!_actor.epochFell(), "an epoch fell");
    }

    function invariant_whatWasRevokedNeverLivesAgain() external view {
        for (uint256 i = 0; i < 3; ++i) {
            ConsentWord word = _actor.wordOf(i);
            bytes32 scope = _actor.slot(i);
            if (word.stateOf() == ConsentState.Permit && _actor.ended(scope)) {
                vm.assertTrue(word.versionOf() > _actor.endedUpTo(scope), "a revoked version permits");
            }
        }
    }

    function invariant_noPermitWithoutThePatientsSignature() external view {
        for (uint256 i = 0; i < 3; ++i) {
            ConsentWord word = _actor.wordOf(i);
            if (word.stateOf() == ConsentState.Permit) {
                bool signed = _actor.signed(_actor.slot(i), word.versionOf(), word.termsOf());
                vm.assertTrue(signed, "terms that nobody signed");
            }
        }
    }

    function invariant_anObjectionStaysUntilThePatientEndsIt() external view {
        for (uint256 i = 0; i < 3; ++i) {
            bool objects = _actor.wordOf(i).stateOf() == ConsentState.Objection;
            vm.assertTrue(objects == _actor.objected(_actor.slot(i)), "objection");
        }
    }

    function invariant_nothingWidensWhileLocked() external view {
        vm.assertTrue(!_actor.widenedWhileLocked(), "widened");
    }
}
