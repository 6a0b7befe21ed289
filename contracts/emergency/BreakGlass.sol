// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {ROLE_CUSTODIAN, ROLE_EMERGENCY} from "../members/MemberTypes.sol";
import {Case, CaseStatus, IBreakGlass} from "./IBreakGlass.sol";

/// @title Emergencies
contract BreakGlass is IBreakGlass {
    uint256 private constant MAX_LENGTH = 24 hours;
    uint256 private constant REVIEW_TIME = 72 hours;

    IMemberRegistry private immutable _members;
    uint256 private immutable _quota;

    mapping(bytes32 commitment => Case) internal _cases;
    mapping(bytes32 member => mapping(uint256 day => uint256)) private _used;

    /// @param quota Cases that one member may declare on one day.
    constructor(IMemberRegistry members, uint256 quota) {
        _members = members;
        _quota = quota;
    }

    /// @inheritdoc IBreakGlass
    function declare(bytes32 commitment, uint64 until) external {
        bytes32 member = _members.requireRole(msg.sender, ROLE_EMERGENCY);
        if (_slotOf(commitment).status != CaseStatus.None) revert CaseTaken(commitment);
        uint256 latest = block.timestamp + MAX_LENGTH;
        if (until <= block.timestamp || until > latest) revert CaseEndInvalid(until, block.timestamp + 1, latest);
        uint256 day = block.timestamp / 1 days;
        if (_usedOn(member, day) >= _quota) revert CaseQuotaSpent(member, day, _quota);

        ++_used[member][day];
        _cases[commitment] = Case(CaseStatus.Declared, uint64(block.timestamp), until, member);
        emit CaseDeclared(commitment, member, until);
    }

    /// @inheritdoc IBreakGlass
    function review(bytes32 inner, bytes32 outcome) external {
        bytes32 custodian = _members.requireRole(msg.sender, ROLE_CUSTODIAN);
        bytes32 commitment = keccak256(abi.encode(custodian, inner));
        if (outcome == 0) revert CaseOutcomeZero(commitment);
        Case storage found = _slotOf(commitment);
        CaseStatus status = found.status;
        bool open = status == CaseStatus.Declared || status == CaseStatus.Escalated;
        if (!open) revert CaseStatusInvalid(commitment, status);
        found.status = CaseStatus.Reviewed;
        emit CaseReviewed(commitment, custodian, outcome);
    }

    /// @inheritdoc IBreakGlass
    function escalate(bytes32 commitment) external {
        Case storage found = _slotOf(commitment);
        if (found.status != CaseStatus.Declared) revert CaseStatusInvalid(commitment, found.status);
        uint256 from = found.declaredAt + REVIEW_TIME;
        if (block.timestamp < from) revert CaseTooEarly(commitment, from, block.timestamp);
        found.status = CaseStatus.Escalated;
        emit CaseEscalated(commitment);
    }

    /// @inheritdoc IBreakGlass
    function caseOf(bytes32 commitment) external view virtual returns (Case memory) {
        return _cases[commitment];
    }

    /// @inheritdoc IBreakGlass
    function quotaOf(bytes32 member, uint256 day) external view returns (uint256 used, uint256 quota) {
        return (_usedOn(member, day), _quota);
    }

    /// @dev Where the case is kept. A contract that takes over from this one first writes down what was there.
    function _slotOf(bytes32 commitment) internal virtual returns (Case storage) {
        return _cases[commitment];
    }

    /// @dev How many cases the member declared on a day. A contract that takes over counts the older ones, too.
    function _usedOn(bytes32 member, uint256 day) internal view virtual returns (uint256) {
        return _used[member][day];
    }
}
