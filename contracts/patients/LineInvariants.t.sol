// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {vm} from "../test/Vm.t.sol";
import {HandleWord, RecoveryState} from "./HandleWord.sol";
import {PatientRegistry} from "./PatientRegistry.sol";
import {Delegation, Recovery} from "./PatientTypes.sol";
import {Bounds, Rights, SignerKind} from "./Rights.sol";
import {TwoRegistries} from "./TwoRegistries.t.sol";

/// @dev Three keys, a delegate, registrars and time act at a registry and at its successor in any order, and what narrows is
/// sent to either whatever it was signed for. After each step the handle at the successor is compared with what it was.
contract LineActor is TwoRegistries {
    uint256[4] private _keys = [PATIENT_KEY, NEW_KEY, SECOND_KEY, STRANGER_KEY];
    bytes[] private _locks;
    uint32[] private _upTo;
    uint256[] private _by;

    bool public fell;
    bool public narrowingWidened;
    bool public predecessorWidened;
    bool public widenedWhileStopped;
    bool public replayChanged;
    bool public ownerOutOfTurn;
    bool public twoOwners;
    bool public ownerMissed;

    HandleWord private _before;
    bool private _wordHere;
    bool private _led;
    bool[4] private _owns;
    Rights private _helper;
    bool private _inside;

    /// @dev The fuzzer calls these as well, and nothing happens.
    modifier onlySelf() {
        if (_inside) _;
    }

    function setUp() public override {
        if (address(next) != address(0)) return;
        super.setUp();
    }

    /// @dev What narrows, signed for one, sent to one.
    function lock(uint256 who, uint8 ahead, bool forOld, bool toOld) external {
        _note();
        on(forOld ? old : next);
        uint256 key = _keyOf(who);
        uint32 upTo = epochOf(HANDLE) + (ahead % 3);
        bytes memory signature = sign(key, lockDigest(HANDLE, upTo));
        _locks.push(signature);
        _upTo.push(upTo);
        _by.push(key);
        try (toOld ? old : next).lock(HANDLE, upTo, signerOf(key), signature) {} catch {}
        _requireNotWider();
    }

    function replayLock(uint256 which, bool toOld) external {
        if (_locks.length == 0) return;
        which %= _locks.length;
        PatientRegistry target = toOld ? old : next;
        try target.lock(HANDLE, _upTo[which], signerOf(_by[which]), _locks[which]) {} catch {}
        _note();
        try target.lock(HANDLE, _upTo[which], signerOf(_by[which]), _locks[which]) {} catch {}
        if (HandleWord.unwrap(_now()) != HandleWord.unwrap(_before)) replayChanged = true;
        _noteEnd();
    }

    function unlock(uint256 who, bool here) external {
        _note();
        on(here ? next : old);
        try this.unlockBy(_keyOf(who), epochOf(HANDLE)) {
            if (here && _before.isRecovering()) widenedWhileStopped = true;
        } catch {}
        if (!here) _requirePredecessorNotWider();
        _noteEnd();
    }

    function unlockBy(uint256 key, uint32 epoch) external onlySelf {
        unlock(key, epoch);
    }

    function appoint(uint256 who, bool here) external {
        _note();
        on(here ? next : old);
        uint24 version = patients.lastRightsOf(HANDLE, signerHashOf(HELPER_KEY)).rightsVersionOf() + 1;
        try this.appointAs(_keyOf(who), version) {
            if (here && (_before.isRecovering() || _before.isLocked())) widenedWhileStopped = true;
        } catch {}
        if (!here && _led) _requirePredecessorNotWider();
        _noteEnd();
    }

    function appointAs(uint256 key, uint24 version) external onlySelf {
        Bounds memory bounds = Bounds(63, 15, 30, type(uint16).max, 0);
        uint32 epoch = epochOf(HANDLE);
        Delegation memory d =
            Delegation(HANDLE, signerHashOf(HELPER_KEY), bounds, version, epoch, uint64(block.timestamp));
        patients.appoint(d, signerOf(key), sign(key, delegationDigest(d)));
    }

    /// @dev Of the delegate, or of another key that may own the handle at the other contract.
    function endDelegation(uint256 who, uint256 whose, uint8 ahead, bool forOld, bool toOld) external {
        _note();
        on(next);
        bytes32 ended = signerHashOf(whose % 2 == 0 ? HELPER_KEY : _keyOf(whose / 2));
        on(forOld ? old : next);
        uint256 key = who % 5 == 4 ? HELPER_KEY : _keyOf(who);
        uint24 upTo = patients.lastRightsOf(HANDLE, ended).rightsVersionOf() + (ahead % 2);
        bytes memory signature = sign(key, delegationEndDigest(HANDLE, ended, upTo));
        try (toOld ? old : next).endDelegation(HANDLE, ended, upTo, signerOf(key), signature) {} catch {}
        _requireNotWider();
        _checkOwners(false, !toOld);
    }

    function switchBreakGlass(bool off, bool here) external {
        _note();
        on(here ? next : old);
        uint16 version = wordOf(HANDLE).breakGlassVersionOf();
        if (off) {
            try this.switchOffAs(version) {} catch {}
            _requireNotWider();
        } else {
            try this.switchOnAs(version + 1) {
                if (here && (_before.isRecovering() || _before.isLocked())) widenedWhileStopped = true;
            } catch {}
            if (!here) _requirePredecessorNotWider();
        }
        _noteEnd();
    }

    function switchOffAs(uint16 version) external onlySelf {
        switchOff(version);
    }

    function switchOnAs(uint16 version) external onlySelf {
        switchOn(version);
    }

    function recover(uint256 step, uint256 who, bool here, uint8 days_) external {
        _note();
        vm.warp(block.timestamp + uint256(days_ % 9) * 1 days);
        on(here ? next : old);
        uint256 key = _keys[who % 3];
        uint32 attempt = patients.recoveryOf(HANDLE).attempt;
        step %= 5;
        bool done;
        if (step == 0) try this.start(key, attempt + 1) {} catch {}
        if (step == 1) try this.vetoAs(key, attempt) {} catch {}
        if (step == 2) {
            try this.overrideAs(OPERATOR_A, key, attempt + 1) {} catch {}
            try this.overrideAs(SECOND_REGISTRAR, key, attempt + 1) {} catch {}
        }
        if (step == 3) {
            vm.prank(OPERATOR_A);
            try patients.cancelRecovery(HANDLE) {} catch {}
        }
        if (step == 4) {
            try patients.completeRecovery(HANDLE) {
                done = true;
            } catch {}
        }
        _checkOwners(done, here);
    }

    /// @dev From start to end, so that there are many.
    function recoverAtOnce(uint256 who, bool here) external {
        _note();
        on(here ? next : old);
        bool done;
        try this.start(_keys[who % 3], patients.recoveryOf(HANDLE).attempt + 1) {
            vm.warp(block.timestamp + 7 days);
            try patients.completeRecovery(HANDLE) {
                done = true;
            } catch {}
        } catch {}
        _checkOwners(done, here);
    }

    /// @dev One that is completed there gives nobody anything here once recoveries are led here.
    function _checkOwners(bool done, bool here) private {
        bool changed;
        for (uint256 i = 0; i < 4; ++i) changed = changed || _isOwner(i) != _owns[i];
        if (changed && (!done || (!here && _led))) ownerOutOfTurn = true;
        _noteEnd();
    }

    function start(uint256 key, uint32 attempt) external onlySelf {
        startRecovery(key, attempt);
    }

    function vetoAs(uint256 key, uint32 attempt) external onlySelf {
        veto(key, attempt);
    }

    function overrideAs(address registrar, uint256 key, uint32 attempt) external onlySelf {
        overrideVeto(registrar, key, attempt);
    }

    /// @dev Every other time the owner at the contract that is signed for.
    function _keyOf(uint256 who) private view returns (uint256) {
        for (uint256 i = 0; i < 4 && who % 2 == 0; ++i) {
            if (patients.isOwner(HANDLE, signerHashOf(_keys[i]))) return _keys[i];
        }
        return _keys[(who / 2) % 4];
    }

    function _note() private {
        _inside = true;
        _before = _now();
        (_wordHere, _led) = next.takenOver(HANDLE);
        for (uint256 i = 0; i < 4; ++i) _owns[i] = _isOwner(i);
        _helper = _helperNow();
    }

    /// @dev Nothing opened: neither lock nor switch, nor a delegate's rights, nor the epoch's numbers.
    function _requireNotWider() private {
        if (_isWider()) narrowingWidened = true;
        _noteEnd();
    }

    /// @dev The same for what happens at the predecessor, where the successor has written the part.
    function _requirePredecessorNotWider() private {
        HandleWord word = _now();
        bool opened = _before.isLocked() && !word.isLocked();
        bool on_ = _before.isBreakGlassOff() && !word.isBreakGlassOff();
        if (_wordHere && (opened || on_)) predecessorWidened = true;
    }

    function _isWider() private view returns (bool) {
        HandleWord word = _now();
        bool opened = _before.isLocked() && !word.isLocked();
        bool on_ = _before.isBreakGlassOff() && !word.isBreakGlassOff();
        bool appointed = _helper.kindOf() == SignerKind.None && _helperNow().kindOf() != SignerKind.None;
        return opened || on_ || appointed;
    }

    function _noteEnd() private {
        _inside = false;
        HandleWord word = _now();
        if (word.epochOf() < _before.epochOf() || word.generationOf() < _before.generationOf()) fell = true;
        if (word.breakGlassVersionOf() < _before.breakGlassVersionOf()) fell = true;
        if (word.recoveredAtOf() < _before.recoveredAtOf()) fell = true;
        if (_lastHelper() < _helper.rightsVersionOf()) fell = true;
        uint256 owners;
        for (uint256 i = 0; i < 4; ++i) owners += _isOwner(i) ? 1 : 0;
        if (owners > 1) twoOwners = true;
        if (owners == 0) ownerMissed = true;
    }

    function _now() private view returns (HandleWord word) {
        (, word) = next.handleState(HANDLE);
    }

    function _isOwner(uint256 i) private view returns (bool) {
        return next.isOwner(HANDLE, signerHashOf(_keys[i]));
    }

    function _helperNow() private view returns (Rights rights) {
        (rights, , ) = next.rightsOf(HANDLE, signerHashOf(HELPER_KEY));
    }

    function _lastHelper() private view returns (uint24) {
        return next.lastRightsOf(HANDLE, signerHashOf(HELPER_KEY)).rightsVersionOf();
    }
}

contract LineInvariantsTest {
    LineActor private _actor;

    function setUp() public {
        _actor = new LineActor();
        _actor.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    function invariant_whatNarrowsAHandleOfALineWidensNothing() external view {
        vm.assertTrue(!_actor.narrowingWidened(), "something widened");
    }

    function invariant_thePredecessorOpensNothingThatIsWrittenAtTheSuccessor() external view {
        vm.assertTrue(!_actor.predecessorWidened(), "opened");
    }

    function invariant_nothingOfAHandleWidensWhileARecoveryIsPendingAnywhereInTheLine() external view {
        vm.assertTrue(!_actor.widenedWhileStopped(), "widened");
    }

    function invariant_epochsAndVersionsOfALineOnlyRise() external view {
        vm.assertTrue(!_actor.fell(), "fell");
    }

    function invariant_aLockOfALineSentAgainChangesNothing() external view {
        vm.assertTrue(!_actor.replayChanged(), "changed");
    }

    function invariant_onlyACompletedRecoveryChangesTheOwnerOfALine() external view {
        vm.assertTrue(!_actor.ownerOutOfTurn(), "out of turn");
    }

    function invariant_aHandleOfALineHasOneOwner() external view {
        vm.assertTrue(!_actor.twoOwners(), "two owners");
        vm.assertTrue(!_actor.ownerMissed(), "no owner");
    }
}
